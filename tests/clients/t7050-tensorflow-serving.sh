#!/usr/bin/env bash
# TensorFlow Serving's REST API, by requests.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and address
. "$(dirname "$0")/lib.sh"
need "TensorFlow Serving's calls work"

fresh_models
mkdir "$tmp/models/half_plus_two"
cat >"$tmp/models/half_plus_two/config.json" <<'JSON'
{"task": "regression", "input": {"name": "x", "features": 1},
 "layers": [{"name": "output", "units": 1, "activation": "identity", "weight": [[0.5]], "bias": [2]}], "output": {"name": "y"}}
JSON
cp -r "$tmp/models/digits" "$tmp/models/labelled"
jq '.labels = {"stable": 1}' configs/models/digits/config.json >"$tmp/models/labelled/config.json"
serve --models "$tmp/models"
cases "TensorFlow Serving" tfserving_calls.py "$address"

done_testing
