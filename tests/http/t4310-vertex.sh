#!/usr/bin/env bash
# Vertex AI: port and routes from the environment, instances and parameters, a model that is mounted.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"
. tests/http/models.bash

put_config wine
put_weights wine 1 2
put_config beer
put_weights beer 1 3
mkdir -p /mnt/models && cp -R "$tmp/models/wine" /mnt/models/
route=/v1/endpoints/4711/deployedModels/42
# As the platform sets them for a custom container.
vertex=(AIP_MODE=PREDICTION AIP_MACHINE_TYPE=n1-standard-2 AIP_FRAMEWORK=CUSTOM_CONTAINER AIP_PROJECT_NUMBER=1 AIP_ENDPOINT_ID=4711
    AIP_DEPLOYED_MODEL_ID=42 AIP_HTTP_PORT=8080 "AIP_HEALTH_ROUTE=$route" "AIP_PREDICT_ROUTE=$route:predict"
    AIP_STORAGE_URI=gs://bucket/models/wine/)

run_image "${vertex[@]}" AXOND_MODELS=/mnt/models --
at 127.0.0.1:8080
ok "AIP_HTTP_PORT is served on every address" grep -q 'event=listening address=0.0.0.0:8080' "$tmp/log"
ok "AIP_STORAGE_URI is not fetched, and told" grep -q 'level=info event=platform_variable_ignored variable=AIP_STORAGE_URI value=gs://bucket/models/wine/ instead=model_dir' "$tmp/log"
req GET "$route"
ok "AIP_HEALTH_ROUTE is 200" want 200
req POST "$route:predict" '{"instances": [[3], [5]], "parameters": {"confidence": 0.5}}'
ok "AIP_PREDICT_ROUTE predicts, and parameters do no harm" want 200 '. == {"predictions": [[6], [10]]}'
req POST "$route:predict" '{"instances": [3, 5]}'
ok "scalars for a model of one feature" want 200 '. == {"predictions": [6, 10]}'
req POST "$route:predict" '{"instances": [[3, 4]]}'
ok "a mistake is told" want 400 '.code == "shape_mismatch" and .message == .error'
req GET "$route:predict"
ok "the route of one method is 405 for another" want 405
req POST "$route" '{"instances": [[3]]}'
ok "either way" want 405
req GET /ping
ok "/ping is there, too" want 200
req GET /metrics
ok "the route is counted under the row that it stands for" \
    [ "$(metric 'axond_http_requests_total{route="/invocations",method="POST",code="200"}')" = 2 ]
ok "SIGTERM loses nothing" ends_well "$route:predict" '{"instances": [[3]]}' '.predictions == [[6]]'

run_image "${vertex[@]}" AIP_HEALTH_ROUTE=/v1/models/wine AIP_PREDICT_ROUTE=/v1/models/wine AXOND_MODELS=/mnt/models --
at 127.0.0.1:8080
req GET /v1/models/wine
ok "a route may be a path that others have" want 200
ok "and is the platform's then" [ ! -s "$tmp/body" ]
req POST /v1/models/wine '{"instances": [[3]]}'
ok "one path for both" want 200 '.predictions == [[6]]'
req GET /v1/models
ok "its neighbours are as they were" want 200 '.models | length == 1'

run_image "${vertex[@]}" AXOND_MODELS="$tmp/models" --
at 127.0.0.1:8080
req POST "$route:predict" '{"instances": [[3]]}'
ok "of two models none is meant" want 400 '.code == "bad_request" and (.error | test("2 models are served.*--model-name"))'
run_image "${vertex[@]}" AXOND_MODELS="$tmp/models" AXOND_MODEL_NAME=beer --
at 127.0.0.1:8080
req POST "$route:predict" '{"instances": [[3]]}'
ok "but that of --model-name" want 200 '.predictions == [[9]]'

mkdir "$tmp/bad" && mkdir "$tmp/bad/wine" && echo '{' >"$tmp/bad/wine/config.json"
run_image "${vertex[@]}" AXOND_MODELS="$tmp/bad" --
at 127.0.0.1:8080
req GET "$route"
ok "no model serves: the health route is 503" want 503
req GET /v2/health/live
ok "and the service is alive" want 200

# refuses TEXT NAME=VALUE
refuses() {
    env "$2" "$BIN" 2>"$tmp/refused"
    [ $? = 78 ] && grep -q -- "$1" "$tmp/refused"
}
ok "a wrong port is told by its name" refuses 'AIP_HTTP_PORT: expected a port from 1 to 65535, found "99999"' AIP_HTTP_PORT=99999
ok "a wrong route, too" refuses 'AIP_PREDICT_ROUTE: expected a path such as /v1/predict.*found "predict"' AIP_PREDICT_ROUTE=predict
done_testing
