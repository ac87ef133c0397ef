#!/usr/bin/env bash
# NVIDIA's tritonclient.http, sync and aio, unmodified: every call that needs no shared memory.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and address
. "$(dirname "$0")/lib.sh"
need "tritonclient works"

keys=()
for scope in infer admin; do
    keys+=("$("$BIN" key --name "$scope" --scope "$scope" 2>&1 >>"$tmp/keys")")
done

for mode in sync aio; do
    fresh_models
    serve --models "$tmp/models"
    cases "tritonclient.http $mode" triton_calls.py "$address" "$tmp/models" "$mode"

    serve --models "$tmp/models" --keys "$tmp/keys"
    cases "tritonclient.http $mode, keys" triton_calls.py "$address" "$tmp/models" "$mode" "${keys[@]}"
done

done_testing
