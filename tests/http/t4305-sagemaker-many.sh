#!/usr/bin/env bash
# SageMaker with many models: SAGEMAKER_MULTI_MODEL, /models, /models/{name}/invoke, /ping as liveness.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/platforms.bash"
container "$0"
. "$(dirname "$0")/lib.sh"
. tests/http/models.bash

put_config wine
put_weights wine 1 2
put_weights wine 2 3
hash=/opt/ml/models/0f3a # as the platform names folders
mkdir -p $hash/model && cp -R "$tmp/models/wine/." $hash/model/

run_image SAGEMAKER_MULTI_MODEL=true SAGEMAKER_BIND_TO_PORT=8081 AXOND_MODELS=/usr/share/axond/models -- serve
at 127.0.0.1:8081
ok "it serves on the platform's port" grep -q 'event=listening address=0.0.0.0:8081' "$tmp/log"
req GET /ping
ok "/ping is 200 without a model: the service is alive" want 200
req GET /models
ok "no models at first, not the image's either" want 200 '.models == []'
req POST /models "{\"model_name\": \"wine.tar.gz#7\", \"url\": \"$hash/model\"}"
ok "a model is loaded, whatever it is called" want 200
req POST /models "{\"model_name\": \"wine.tar.gz#7\", \"url\": \"$hash/model\"}"
ok "once" want 409
req GET /models
ok "and listed" want 200 ".models == [{\"modelName\": \"wine.tar.gz#7\", \"modelUrl\": \"$hash/model\"}]"
req GET /models/wine.tar.gz%237
ok "by its name, too" want 200 '.modelName == "wine.tar.gz#7"'
req POST /models/wine.tar.gz%237/invoke '{"instances": [[3]]}' -H 'X-Amzn-SageMaker-Target-Model: wine.tar.gz'
ok "it answers as /invocations does" want 200 '. == {"predictions": [[9]]}'
req POST /models/wine.tar.gz%237/invoke $'x\n3\n' -H 'Content-Type: text/csv'
ok "CSV, too" want 200 '.predictions == [[9]]'
req POST /models/wine.tar.gz%237/invoke '{"instances": "x"}'
ok "a mistake is told as there" want 400 '.error_code == "BAD_REQUEST" and .message == .error'
req POST /models/beer/invoke '{"instances": [[3]]}'
ok "a model that is not loaded is 404" want 404
req POST /models '{"model_name": "beer", "url": "/opt/ml/models/none/model"}'
ok "one that is not there does not load" [ "$status" -ge 400 ]
req GET /ping
ok "/ping is 200 all the same" want 200
req DELETE /models/wine.tar.gz%237
ok "it is unloaded" want 200
req DELETE /models/wine.tar.gz%237
ok "once" want 404
req POST /models/wine.tar.gz%237/invoke '{"instances": [[3]]}'
ok "and answers no more" want 404
ok "--health follows the port" env AXOND_LISTEN=0.0.0.0:8000 SAGEMAKER_MULTI_MODEL=true SAGEMAKER_BIND_TO_PORT=8081 "$BIN" --health

run_image SAGEMAKER_MULTI_MODEL=true -- serve
at 127.0.0.1:8080
req GET /ping
ok "8080 without that variable" want 200
run_image SAGEMAKER_MULTI_MODEL=false AXOND_MODELS="$tmp/models" --
at 127.0.0.1:8000
req POST /models "{\"model_name\": \"a\", \"url\": \"$hash/model\"}" -H 'X-Forwarded-For: 10.0.0.1'
ok "without it /models is the machine's own" want 403
done_testing
