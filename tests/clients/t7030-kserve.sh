#!/usr/bin/env bash
# KServe's InferenceRESTClient in both of its protocols, unmodified, and what its agent asks of a model server.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and address
. "$(dirname "$0")/lib.sh"
need "kserve's client works"

fresh_models
serve --models "$tmp/models"
cases "kserve" kserve_calls.py "$address" "$tmp/models" ready

cp -r tests/api/models/broken "$tmp/models/"
serve --models "$tmp/models"
cases "kserve, a broken model" kserve_calls.py "$address" "$tmp/models" broken

done_testing
