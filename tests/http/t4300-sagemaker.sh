#!/usr/bin/env bash
# SageMaker with one model: `serve`, its port, /ping, /invocations, /opt/ml/model, foreign headers, the end.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"
. tests/http/models.bash

put_config wine
put_weights wine 1 2
mkdir -p /opt/ml
cp -R "$tmp/models/wine" /opt/ml/model
echo 'flavors: {}' >/opt/ml/model/MLmodel

run_image -- serve
at 127.0.0.1:8080
ok "the word and the folder are enough: port 8080" grep -q 'event=listening address=0.0.0.0:8080' "$tmp/log"
req GET /ping
ok "/ping is 200" want 200
ok "and empty" [ ! -s "$tmp/body" ]
ok "within 2 seconds" [ "$(curl -s -o /dev/null -w '%{time_total}' "$base/ping" | cut -d. -f1)" = 0 ]
req POST /invocations '{"instances": [[3]]}' -H 'Content-Type: application/json'
ok "the model in /opt/ml/model answers" want 200 '. == {"predictions": [[6]]}'
req GET /v1/models
ok "it is called after its folder" want 200 '[.models[].name] == ["model"]'
ok "other tools' files are told once" [ "$(grep -c 'level=info event=files_ignored model=model files=MLmodel' "$tmp/log")" = 1 ]
many=()
for i in $(seq 40); do many+=(-H "X-Amzn-SageMaker-Thing-$i: $(printf 'x%.0s' $(seq 200))"); done
req POST /invocations '{"instances": [[3]]}' -H 'X-Amzn-SageMaker-Custom-Attributes: c000=a' "${many[@]}"
ok "foreign headers up to the limit do no harm" want 200 '.predictions == [[6]]'
ok "--health asks where it is" env AXOND_LISTEN=0.0.0.0:8000 "$BIN" --health
ok "SIGTERM ends it within 30 seconds, and loses nothing" ends_well /invocations '{"instances": [[3]]}' '.predictions == [[6]]'

run_image SAGEMAKER_BIND_TO_PORT=8095 -- serve
at 127.0.0.1:8095
req GET /ping
ok "SAGEMAKER_BIND_TO_PORT names another port" want 200
ok "--health follows it" env AXOND_LISTEN=0.0.0.0:8000 SAGEMAKER_BIND_TO_PORT=8095 "$BIN" --health
ok "and fails where nobody is" sh -c "! SAGEMAKER_BIND_TO_PORT=8096 '$BIN' --health 2>/dev/null"

run_image SAGEMAKER_BIND_TO_PORT=8095 -- serve --listen 127.0.0.1:8097
at 127.0.0.1:8097
req GET /ping
ok "a flag wins" want 200
run_image AXOND_MODELS="$tmp/models" -- serve
at 127.0.0.1:8080
req POST /invocations '{"instances": [[3]]}'
ok "the folder wins over the image's AXOND_MODELS" want 200 '.predictions == [[6]]'
run_image -- --models "$tmp/models"
at 127.0.0.1:8000
req GET /ping
ok "without the word the folder means nothing" want 200
ok "--health finds it all the same" env AXOND_LISTEN=0.0.0.0:8000 "$BIN" --health

# refuses TEXT NAME=VALUE: exit 78, and the variable is named
refuses() {
    env "$2" "$BIN" serve 2>"$tmp/refused"
    [ $? = 78 ] && grep -q -- "$1" "$tmp/refused"
}
ok "a port that is none is refused" refuses 'SAGEMAKER_BIND_TO_PORT: expected a port from 1 to 65535, found "http"' SAGEMAKER_BIND_TO_PORT=http

# The image runs as uid 65532; the platform's files are root's.
as_the_image() {
    timeout 10 setpriv --reuid 65532 --regid 65532 --clear-groups "$BIN" --check-config --model-dir /opt/ml/model >"$tmp/check" 2>&1
    grep -q "$1" "$tmp/check"
}
if [ "$(id -u)" = 0 ] && chmod 755 "$tmp" && setpriv --reuid 65532 --regid 65532 --clear-groups test -x "$BIN" 2>/dev/null; then
    chmod 700 /opt/ml/model/1
    ok "a folder that it may not read is told with uid, mode and the way out" \
        as_the_image '1/weights.safetensors: permission denied: axond runs as uid 65532, and 1 has the mode 0700 and the owner 0:0; chmod a+rx it, or run axond as its owner'
    chmod 755 /opt/ml/model/1
    chmod 600 /opt/ml/model/config.json
    ok "a file, too" as_the_image 'config.json: permission denied: axond runs as uid 65532, and it has the mode 0600 and the owner 0:0; chmod a+r it'
else
    skip "a model that may not be read is told with uid, mode and the way out" "this user cannot become another"
fi

rm -r /opt/ml/model && mkdir /opt/ml/model
run_image -- serve
at 127.0.0.1:8080
req GET /ping
ok "no model in the folder: /ping is 503" want 503 '.code == "not_ready"'
req POST /invocations '{"instances": [[3]]}'
ok "and /invocations says so, as MLflow's clients read it" want 503 '.code == "not_ready" and .error_code == "TEMPORARILY_UNAVAILABLE" and .message == .error'
done_testing
