#!/usr/bin/env bash
# KServe: the daemon with the arguments of docker/kserve.yaml, its model at /mnt/models, asked by V1 and V2.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"

runtime=docker/kserve.yaml
mapfile -t arguments < <(sed -n '/^ *args:/,/^ *ports:/s/^ *- --/--/p' "$runtime" | sed 's/{{\.Name}}/digits/')
cp -R configs/models/digits /mnt/models
run_image -- "${arguments[@]}"
at "127.0.0.1:$(sed -n 's/.*containerPort: \([0-9]*\).*/\1/p' "$runtime")"
ok "three arguments are all" [ "${arguments[*]}" = "--model-dir=/mnt/models --model-name=digits --listen=0.0.0.0:8080" ]
while read -r path; do
    req GET "${path/\{\{.Name\}\}/digits}"
    ok "the probe $path is 200" want 200
done < <(sed -nE 's/.*httpGet: \{path: "?([^",]+)"?,.*/\1/p' "$runtime")
req GET /
ok "V1: alive" want 200 '.status == "alive"'
req GET /v1/models/digits
ok "V1: the model is ready" want 200 '.name == "digits" and .ready == true'
req POST /v1/models/digits:predict @configs/examples/digit.json
ok "V1: predict" want 200 '.predictions[0] | index(max) == 2'
rows=$(jq -c .instances configs/examples/digit.json)
req POST /v2/models/digits/infer "{\"model_name\": \"digits\", \"inputs\": [{\"name\": \"pixels\", \"shape\": [1, 64], \"datatype\": \"FP32\", \"data\": $rows}]}"
ok "V2: infer" want 200 '.outputs[0].data | index(max) == 2'
req GET /v2/models/digits/ready
ok "V2: the model is ready" want 200
req GET /v2/models/nobody/ready
ok "and an unknown one is not" want 404
ok "SIGTERM loses nothing" ends_well /v1/models/digits:predict "$(cat configs/examples/digit.json)" '.predictions | length == 1'
done_testing
