#!/usr/bin/env bash
# MLflow's ScoringServerClient, unmodified, against a model of its own folder whose columns have names.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and address
. "$(dirname "$0")/lib.sh"
need "mlflow's client works"

fresh_models
jq '.input.columns = [range(30) | "measure \(.)"]' configs/models/breast-cancer/config.json >"$tmp/models/breast-cancer/config.json"
serve --model-dir "$tmp/models/breast-cancer"
cases "mlflow" mlflow_calls.py "$address"

done_testing
