#!/usr/bin/env bash
# The Open Inference Protocol, with tensors in the JSON: the bits of :predict, here and by a worker.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

jq -c '{inputs: [{name: "pixels", shape: [(.instances | length), 64], datatype: "FP32", data: .instances}]}' \
    tests/data/digits/heldout.json >"$tmp/nested.json"
jq -c '.id = "flat" | .inputs[0].data |= flatten' "$tmp/nested.json" >"$tmp/flat.json"

# The numbers' texts, one after another: equal texts are equal bits.
predicted() { curl -sS "$address/v1/models/digits:predict" -d @tests/data/digits/heldout.json | sed 's/.*"predictions"://' | tr -d '[]{}'; }
inferred() { curl -sS "$address/v2/models/digits/$2infer" -d @"$tmp/$1.json" | sed 's/.*"data"://' | tr -d '[]{}'; }
same() {
    local want
    want=$(predicted | sha256sum)
    [ "$(inferred nested '' | sha256sum)" = "$want" ] && [ "$(inferred flat versions/1/ | sha256sum)" = "$want" ]
}
long() { [ "$(inferred nested '' | tr ',' '\n' | grep -c .)" = 4500 ]; }

serve
ok "450 rows, nested and flat: the bits of :predict" same
ok "and all of them" long
serve --inline-us-max 0
ok "also by a worker" same

req POST /v2/models/digits/infer "$(cat "$tmp/flat.json")"
ok "the reply says what it is" want 200 '.model_name == "digits" and .model_version == "1" and .id == "flat" and
    (.outputs | length == 1 and (.[0] | .name == "probabilities" and .datatype == "FP32" and .shape == [450, 10]))'
req GET /metrics
ok "its requests and rows are counted as :predict's" [ "$(metric 'axond_inference_rows_total{model="digits",version="1"}')" = 1800 ]
ok "under a route of its own" [ "$(metric 'axond_http_requests_total{route="/v2/models/{model}/infer",method="POST",code="200"}')" = 3 ]

curl -sS -D "$tmp/head" -o "$tmp/body" -H 'Content-Type: application/octet-stream' --data-binary @"$tmp/flat.json" "$address/v2/models/digits/infer"
ok "tritonclient's aio sends JSON as octet-stream" grep -q '^HTTP/1.1 200' "$tmp/head"
ok "a reply has Server-Timing" grep -qi '^Server-Timing: parse' "$tmp/head"
# tritonclient sends JSON and then 256 bytes if nobody says binary_data=False.
jq -cj '{inputs: [{name: "pixels", shape: [1, 64], datatype: "FP32", parameters: {binary_data_size: 256}}]}' <<<null >"$tmp/binary"
length=$(wc -c <"$tmp/binary")
head -c 256 /dev/zero >>"$tmp/binary"
curl -sS -D "$tmp/head" -o "$tmp/body" -H "Inference-Header-Content-Length: $length" -H 'Content-Type: application/octet-stream' \
    --data-binary @"$tmp/binary" "$address/v2/models/digits/infer"
ok "binary tensors are refused with the way out" grep -q 'binary_data=False' "$tmp/body"
ok "as not implemented" grep -q '^HTTP/1.1 501' "$tmp/head"
curl -sS -D "$tmp/head" -o "$tmp/body" -H "Inference-Header-Content-Length: $(wc -c <"$tmp/flat.json")" --data-binary @"$tmp/flat.json" "$address/v2/models/digits/infer"
ok "JSON that is as long as the header says is answered" grep -q '^HTTP/1.1 200' "$tmp/head"
curl -sS -o "$tmp/body" -H 'Content-Type: application/octet-stream' --data-binary @"$tmp/flat.json" "$address/v1/models/digits:predict"
ok "elsewhere that is no JSON" grep -q unsupported_media_type "$tmp/body"

done_testing
