#!/usr/bin/env bash
# KServe's V1 protocol, as its InferenceRESTClient asks by httpx: which status, which key of which reply. (tests/clients runs
# the client itself.)
# shellcheck disable=SC1091,SC2154 # lib.sh sets status, body and tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models/broken"
cp -r configs/models/digits "$tmp/models"
cat >"$tmp/models/broken/config.json" <<'JSON'
{"input": {"features": 2}, "layers": [{"units": 0, "activation": "relu"}]}
JSON

httpx=(-H 'Accept: */*' --compressed -H 'User-Agent: python-httpx/0.28.1')
serve --models "$tmp/models"

req GET / "" "${httpx[@]}"
ok "is_server_live reads status" want 200 '.status == "alive"'
req GET /v1/models/digits "" "${httpx[@]}"
ok "is_model_ready reads ready" want 200 '.ready == true and .name == "digits"'
req GET /v1/models/digits/versions/1 "" "${httpx[@]}"
ok "that of a version, too" want 200 '.ready == true'
req GET /v1/models/broken "" "${httpx[@]}"
ok "a model of which no version serves is known, and not ready" want 200 '.ready == false and .name == "broken"'
ok "its state says why" want 200 '.model_version_status[0] | .state == "END" and .status.error_code != "OK" and (.status.error_message | test("units"))'
req GET /v1/models/nobody "" "${httpx[@]}"
ok "an unknown one is a 404 with an error" want 404 '.error | test("nobody")'
req GET /v1/models "" "${httpx[@]}"
ok "the models" want 200 '.models | map(.name) == ["broken", "digits"]'

# The client sends bytes of JSON and no Content-Type, as orjson dumps it.
jq -c '{instances: .instances[0:2]}' tests/data/digits/heldout.json >"$tmp/two.json"
req POST /v1/models/digits:predict @"$tmp/two.json" "${httpx[@]}" -H 'Content-Type:'
ok "infer reads predictions" want 200 '.predictions | length == 2'
req POST /v1/models/broken:predict @"$tmp/two.json" "${httpx[@]}" -H 'Content-Type:'
ok "of a model that is not ready it reads error" want 503 '.error | test("broken")'
req POST /v1/models/digits:explain @"$tmp/two.json" "${httpx[@]}" -H 'Content-Type:'
ok "explain" want 200 '.explanations | length == 2'

# Unloaded, as KServe's agent does it, and loaded again.
req POST /v2/repository/models/digits/unload '{}'
req GET /v1/models/digits "" "${httpx[@]}"
ok "an unloaded model is not ready, and has not failed" want 200 '.ready == false and (.model_version_status[0] |
    .state == "END" and .status.error_code == "OK")'
req GET /v1/models "" "${httpx[@]}"
ok "nor has it in the list" want 200 '.models[] | select(.name == "digits") | .versions[0].state == "UNLOADED"'
req POST /v2/repository/models/digits/load '{}'
req GET /v1/models/digits "" "${httpx[@]}"
ok "and ready once it is loaded" want 200 '.ready == true'

done_testing
