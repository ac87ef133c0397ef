#!/usr/bin/env bash
# Triton's clients on SageMaker and Vertex AI: V2 in JSON and by the platforms' binary types, at /invocations and AIP_PREDICT_ROUTE.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"

mkdir -p /opt/ml && cp -R configs/models/digits /opt/ml/model
# binary OUTPUTS: a request of one row of zeros, as bytes after the JSON; sets $json_bytes
binary() {
    local json='{"inputs":[{"name":"pixels","shape":[1,64],"datatype":"FP32","parameters":{"binary_data_size":256}}],"outputs":['$1']}'
    json_bytes=${#json}
    { printf '%s' "$json"; head -c 256 /dev/zero; } >"$tmp/request"
}
type_of() { sed -n 's/^[Cc]ontent-[Tt]ype: //p' <<<"$headers"; }
# The reply is JSON of as many bytes as its type says, and 40 bytes of ten probabilities after it.
is_binary() {
    local size
    size=$(type_of | sed -n "s|^application/vnd\.$1\.binary+json;json-header-size=\([0-9]*\)$|\1|p")
    [ -n "$size" ] && [ $((size + 40)) = "$(wc -c <"$tmp/body")" ] &&
        head -c "$size" "$tmp/body" | jq -e '.outputs[0].parameters.binary_data_size == 40' >/dev/null
}
zeros=$(jq -nc '{inputs: [{name: "pixels", shape: [1, 64], datatype: "FP32", data: [range(64) | 0]}]}')

run_image -- serve
at 127.0.0.1:8080
req POST /invocations "$zeros" -H 'Content-Type: application/json'
ok "SageMaker: V2 in JSON" want 200 '.model_name == "model" and (.outputs[0].data | length == 10)'
probabilities=$(jq -c '.outputs[0].data' <<<"$body")
binary '{"name":"probabilities"}'
req POST /invocations "@$tmp/request" -H "Content-Type: application/vnd.sagemaker-triton.binary+json;json-header-size=$json_bytes"
ok "bytes in, JSON out, the same numbers" want 200 ".outputs[0].data == $probabilities"
binary '{"name":"probabilities","parameters":{"binary_data":true}}'
req POST /invocations "@$tmp/request" -H "Content-Type: application/vnd.sagemaker-triton.binary+json;json-header-size=$json_bytes"
ok "bytes in and out: the reply's type has its size" is_binary sagemaker-triton
req POST /invocations "@$tmp/request" -H "Content-Type: application/vnd.sagemaker-triton.binary+json;json-header-size=12abc"
ok "a size that lies is a 400" want 400 '.message | contains("12abc")'
req POST /invocations "@$tmp/request" -H "Content-Type: application/vnd.sagemaker-triton.binary+json;json-header-size=$((json_bytes - 1))"
ok "one that cuts the JSON, too" want 400

run_image AIP_HTTP_PORT=8080 AIP_HEALTH_ROUTE=/v2/health/ready AIP_PREDICT_ROUTE=/v2/models/model/infer AXOND_MODEL_DIR=/opt/ml/model --
at 127.0.0.1:8080
req GET /v2/health/ready
ok "Vertex AI: the health route may be V2's own" want 200
binary '{"name":"probabilities","parameters":{"binary_data":true}}'
req POST /v2/models/model/infer "@$tmp/request" -H "Content-Type: application/vnd.vertex-ai-triton.binary+json;json-header-size=$json_bytes"
ok "so may the predict route, with its type" is_binary vertex-ai-triton
req POST /v2/models/model/infer '{"instances": []}'
ok "which takes Vertex AI's form as well" want 200 '.predictions == []'
done_testing
