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
serve --inline-us-max 0 --model-name digits
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
# tritonclient sends JSON, then the bytes: the held-out rows as such, and their answers.
cat >"$tmp/binary.py" <<'PYTHON'
"""Bytes of tensors without NumPy: what tritonclient sends and reads."""
import json, struct, sys, zlib
from urllib.request import Request, urlopen

address, path = sys.argv[1:3]
rows = json.load(open("tests/data/digits/heldout.json"))["instances"]
flat = [x for row in rows for x in row]
blob = struct.pack(f"<{len(flat)}f", *flat)
head = json.dumps({"id": "bytes", "inputs": [{"name": "pixels", "shape": [len(rows), 64], "datatype": "FP32",
                   "parameters": {"binary_data_size": len(blob)}}], "parameters": {"binary_data_output": True}}).encode()

def post(body, headers, url=f"/v2/models/digits/{path}infer"):
    with urlopen(Request(address + url, body, headers)) as reply:
        return reply.headers, reply.read()

def numbers(reply, size):
    """The values of the only output, whose JSON is so long."""
    said = json.loads(reply[:size])
    (output,) = said["outputs"]
    count = output["parameters"]["binary_data_size"] // 4
    assert output["shape"] == [450, 10] and size + 4 * count == len(reply), output
    return said, struct.unpack(f"<{count}f", reply[size:])

predicted = json.load(urlopen(Request(f"{address}/v1/models/digits:predict", json.dumps({"instances": rows}).encode())))
# Shortest text reads back to the same float32: pack() is exact.
want = struct.unpack("<4500f", struct.pack("<4500f", *[y for row in predicted["predictions"] for y in row]))

headers, reply = post(head + blob, {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"})
assert headers["Content-Type"] == "application/octet-stream", headers["Content-Type"]
said, got = numbers(reply, int(headers["Inference-Header-Content-Length"]))
assert got == want and said["id"] == "bytes" and said["model_name"] == "digits" and said["model_version"] == "1", said

headers, reply = post(blob, {"Inference-Header-Content-Length": "0"})
said, got = numbers(reply, int(headers["Inference-Header-Content-Length"]))
assert got == want and "id" not in said, said

# With compression the length counts decoded bytes.
headers, reply = post(zlib.compress(head + blob), {"Inference-Header-Content-Length": str(len(head)), "Content-Encoding": "deflate"})
said, got = numbers(reply, int(headers["Inference-Header-Content-Length"]))
assert got == want, said

# NaN goes in and comes out as bytes, whatever the policy for numbers as text.
odd = struct.pack("<I", 0x7fc00001) + bytes(63 * 4)
headers, reply = post(odd, {"Inference-Header-Content-Length": "0"})
size = int(headers["Inference-Header-Content-Length"])
assert all(x != x for x in struct.unpack("<10f", reply[size:])), reply

for vendor in "sagemaker", "vertex-ai":
    mime = f"application/vnd.{vendor}-triton.binary+json;json-header-size="
    headers, reply = post(head + blob, {"Content-Type": mime + str(len(head))})
    assert headers["Content-Type"].startswith(mime) and headers["Inference-Header-Content-Length"] is None, headers["Content-Type"]
    said, got = numbers(reply, int(headers["Content-Type"][len(mime):]))
    assert got == want, said
    headers, reply = post(head + blob, {"Content-Type": mime + str(len(head))}, "/invocations")
    assert numbers(reply, int(headers["Content-Type"][len(mime):]))[1] == want
PYTHON
ok "bytes in and out, a tensor alone, and the platforms' types: the bits of :predict" python3 "$tmp/binary.py" "http://$address" versions/1/
printf 'aaaabbbb' >"$tmp/raw"
refused() { # CODE WORD HEADER...: what a body of eight bytes with these headers is told
    local code=$1 word=$2 headers=()
    shift 2
    for each; do headers+=(-H "$each"); done
    curl -sS -D "$tmp/head" -o "$tmp/body" "${headers[@]}" --data-binary @"$tmp/raw" "$address/v2/models/digits/infer"
    grep -q "^HTTP/1.1 $code" "$tmp/head" && grep -qF "$word" "$tmp/body" && grep -qi '^Content-Type: application/json' "$tmp/head"
}
length=Inference-Header-Content-Length
ok "a length that is no number is refused"                refused 400 "'12abc'" "$length: 12abc"
ok "so are two, even of the same number"                  refused 400 "2 $length headers" "$length: 0" "$length: 0"
ok "and one that is larger than the body"                 refused 400 "9 bytes of JSON, but the body has 8" "$length: 9"
ok "a tensor alone is whole rows"                         refused 400 "8 bytes, the model takes rows of 64 FP32" "$length: 0"
jq -cn '{inputs: [{name: "pixels", shape: [0, 64], datatype: "FP32", data: []}], outputs: [range(3000) | {name: "hidden1"}]}' >"$tmp/raw"
ok "3000 outputs are more than there are"                 refused 400 "outputs: 3000 tensors" "X-None: 1"
jq -cn '{inputs: [{name: "pixels", shape: [0, 64], datatype: "FP32", data: []}], outputs: [range(10000) | {name: "hidden1"}]}' >"$tmp/raw"
ok "10,000 are more than a request may have keys"         refused 400 json_tokens_max "X-None: 1"
curl -sS -D "$tmp/head" -o "$tmp/body" -H "Inference-Header-Content-Length: $(wc -c <"$tmp/flat.json")" --data-binary @"$tmp/flat.json" "$address/v2/models/digits/infer"
ok "JSON that is as long as the header says is answered" grep -q '^HTTP/1.1 200' "$tmp/head"
curl -sS -o "$tmp/body" -H 'Content-Type: application/octet-stream' --data-binary @"$tmp/flat.json" "$address/v1/models/digits:predict"
ok "elsewhere that is no JSON" grep -q unsupported_media_type "$tmp/body"

# One output and two labels: both are classes, as top_k has them.
jq -c '{inputs: [{name: "measures", shape: [1, 30], datatype: "FP32", data: .instances[0]}],
    outputs: [{name: "probability", parameters: {classification: 5}}]}' tests/data/breast-cancer/heldout.json >"$tmp/one.json"
ranked() { jq -c '{instances: [.instances[0]], top_k: 2}' tests/data/breast-cancer/heldout.json | curl -sS "$address/v1/models/breast-cancer:predict" -d @- |
    jq -r '.classes[0][] | "\(.score) \(.label)"'; }
classified() { curl -sS "$address/v2/models/breast-cancer/infer" -d @"$tmp/one.json" |
    jq -r '.outputs[0] | select(.datatype == "BYTES" and .shape == [1, 2]) | .data[] | split(":") | "\(.[0] | tonumber) \(.[2])"'; }
both() { [ "$(ranked | wc -l)" = 2 ] && diff <(ranked) <(classified); }
ok "of one output and two labels both are classes" both

done_testing
