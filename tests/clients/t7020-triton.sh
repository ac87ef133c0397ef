#!/usr/bin/env bash
# NVIDIA's tritonclient.http, sync and aio, unmodified: every call that needs no shared memory.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and address
. "$(dirname "$0")/lib.sh"
need "tritonclient works"
export pending="not served yet"

for mode in sync aio; do
    fresh_models
    serve --models "$tmp/models"
    cases "tritonclient.http $mode" triton_calls.py "$address" "$tmp/models" "$mode"
done

done_testing
