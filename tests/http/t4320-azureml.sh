#!/usr/bin/env bash
# Azure ML: the daemon with the variables of configs/azureml/deployment.yaml, asked at its routes.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"

deployment=configs/azureml/deployment.yaml
# value KEY [AFTER]: of the first such key after the line of AFTER
value() { sed -n "/^ *${2:-$1}:/,\$p" "$deployment" | sed -n "s/^ *$1: *//p" | head -n 1 | tr -d '"'; }

mapfile -t variables < <(sed -n '/^environment_variables:/,/^[^ ]/s/^  \([A-Z_]*\): */\1=/p' "$deployment")
folder=$(value AXOND_MODEL_DIR)
mkdir -p "${folder%/*}" && cp -R configs/models/digits "$folder"
ok "the file names the model's mount" [ "$folder" = "/var/azureml-app/azureml-models/$(value name model)/$(value version model)/digits" ]
ok "its endpoint is that of endpoint.yaml" grep -qx "name: $(value endpoint_name)" configs/azureml/endpoint.yaml

run_image "${variables[@]}" AZUREML_MODEL_DIR="${folder%/*}" --
at "127.0.0.1:$(value port liveness_route)"
for route in liveness_route readiness_route; do
    req GET "$(value path $route)"
    ok "the $route is 200" want 200
done
ok "on one port" [ "$(grep -c "^ *port: ${address#*:}$" "$deployment")" = 3 ]
req POST "$(value path scoring_route)" @configs/examples/digit.json
ok "the scoring_route answers" want 200 '.predictions[0] | index(max) == 2'
req GET /v1/models
ok "the model has the name that the file gives it" want 200 '[.models[].name] == ["digits"]'
ok "--health asks there" env AXOND_LISTEN=0.0.0.0:8000 "$BIN" --health
ok "SIGTERM loses nothing" ends_well "$(value path scoring_route)" "$(cat configs/examples/digit.json)" '.predictions | length == 1'

run_image AXOND_MODEL_DIR="${folder%/*}/nowhere" --
ok "a mount that is not there is told" grep -q "model_dir: ${folder%/*}/nowhere: No such file" "$tmp/log"
pid=''
done_testing
