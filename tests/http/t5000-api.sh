#!/usr/bin/env bash
# The native API as a client on the network sees it: headers, methods, .npy. Cases that need no socket are in tests/api.
. "$(dirname "$0")/lib.sh"
serve --models configs/models

header() { printf '%s\n' "$headers" | tr -d '\r' | grep -i "^$1:" | cut -d' ' -f2-; }
header_is() { [ "$(header "$1")" = "$2" ] || { echo "# $1: $(header "$1")"; return 1; }; }
header_matches() { header "$1" | grep -qE "$2" || { echo "# $1: $(header "$1")"; return 1; }; }

req POST /v1/activations/relu '{"data": [[1, -2], [3, -4]]}'
ok "a tensor comes back in its shape"            want 200 '.data == [[1, 0], [3, 0]] and .shape == [2, 2]'
ok "JSON says that it is JSON"                   header_is Content-Type application/json
ok "a reply to POST accounts for its time"       header_matches Server-Timing '^parse;dur=[0-9.]+, queue;dur=[0-9.]+, compute;dur=[0-9.]+, write;dur=[0-9.]+$'
ok "a request without an id gets one"            header_matches X-Request-Id '^[A-Za-z0-9._-]{1,64}$'
req GET /v2/health/ready '' -H 'X-Request-Id: my-id.7'
ok "a request's own id is echoed"                header_is X-Request-Id my-id.7
req GET /v2/health/ready '' -H 'X-Request-Id: no spaces; or worse'
ok "an id that could forge a log line is not"    header_matches X-Request-Id '^[A-Za-z0-9._-]{1,64}$'
req GET /nowhere
ok "an error is JSON with error and code"        want 404 '.code == "unknown_path" and (.error | type == "string")'
ok "an error carries the request's id, too"      header_matches X-Request-Id '.'
req DELETE /v1/activations/relu
ok "405 says what the path takes"                header_is Allow 'GET, HEAD, POST, OPTIONS'
req POST /v1/activations/relu
ok "a POST that says nothing of its body is told to" want 411 '.code == "length_required" and (.error | test("-d @FILE"))'
req GET /openapi.json
ok "the API describes itself"                    want 200 '.openapi == "3.1.0" and (.paths | length > 10)'
ok "by the version of the program"               want 200 ".info.version == \"$("$BIN" --version | cut -d' ' -f2)\""
req POST /v1/models/digits:predict @configs/examples/digit.json
ok "the example digit is a 2"                    want 200 '.predictions[0] | index(max) == 2'
req POST /v1/models/digits/versions/1:predict @configs/examples/digit.json
ok "by version, too"                             want 200 '.predictions[0] | index(max) == 2'

ok "HEAD is GET without the body"                test "$(curl -sI -o /dev/null -w '%{http_code} %{size_download}' "$base/v1/models")" = "200 0"

python3 - "$tmp/x.npy" <<'END'
import struct, sys
head = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }"
head += " " * (63 - (10 + len(head)) % 64) + "\n"
open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
                              + struct.pack("<4d", 1, -2, float("nan"), float("-inf")))
END
npy_values() { # FILE [SHAPE] -> its float32 values
    python3 -c 'import struct, sys
b = open(sys.argv[1], "rb").read(); n = 10 + struct.unpack("<H", b[8:10])[0]
assert b[:8] == b"\x93NUMPY\x01\x00" and "<f4" in b[10:n].decode() and sys.argv[2] in b[10:n].decode()
print(*struct.unpack("<%df" % ((len(b) - n) // 4), b[n:]))' "$1" "${2:-(2, 2)}"
}
npy() { curl -s -o "$tmp/y.npy" -H 'Content-Type: application/x-npy' --data-binary "@$tmp/x.npy" "$base/v1/activations/$1"; }
npy "leaky_relu?alpha=0.5"
ok ".npy in, .npy out, NaN and infinity untouched" test "$(npy_values "$tmp/y.npy")" = "1.0 -1.0 nan -inf"
req POST '/v1/activations/leaky_relu?slope=1' "@$tmp/x.npy" -H 'Content-Type: application/x-npy'
ok "a misspelt parameter is named"               want 400 '.error | test("slope.*known here: non_finite, axis, dialect, gradient, alpha")'
npy "leaky_relu?dialect=keras2"
ok "the dialect of a .npy stands in the query"   test "$(npy_values "$tmp/y.npy")" = "1.0 -0.6000000238418579 nan -inf"
npy "leaky_relu?dialect=keras2&alpha=0.5"
ok "a parameter wins over the dialect's"         test "$(npy_values "$tmp/y.npy")" = "1.0 -1.0 nan -inf"
npy "threshold?value=36893488147419103232"
ok "a whole number in the query may be beyond 2^63" test "$(npy_values "$tmp/y.npy")" = "1.0 3.6893488147419103e+19 nan 3.6893488147419103e+19"
npy "reglu?axis=0"
ok "a gated .npy comes back halved"              test "$(npy_values "$tmp/y.npy" '(1, 2)')" = "nan -0.0"
req POST '/v1/activations/relu?dialect=keras4' "@$tmp/x.npy" -H 'Content-Type: application/x-npy'
ok "an unknown dialect is a 400"                 want 400 '.error | test("keras4.*did you mean .keras2")'
req POST /v1/models/digits:classify "@$tmp/x.npy" -H 'Content-Type: application/x-npy'
ok "classify does not take .npy"                 want 415 '.code == "unsupported_media_type"'

req GET /metrics
ok "metrics count what was asked, with a version or without" grep -qE '^axond_http_requests_total\{route="/v1/models/\{model\}:predict",method="POST",code="200"\} 2$' "$tmp/body"
ok "unknown paths are one series" grep -qE '^axond_http_requests_total\{route="other",method="GET",code="404"\} 1$' "$tmp/body"
stop

mkdir -p "$tmp/models/broken" && echo '{"layers": []}' >"$tmp/models/broken/config.json"
serve --models "$tmp/models" --model-name digits
req GET /v2/health/ready
ok "a service all of whose models failed is not ready" want 503 '.code == "not_ready"'
req POST /v1/activations/relu '{"data": [-1, 2]}'
ok "its activations answer all the same"         want 200 '.data == [0, 2]'
cp -r configs/models/digits configs/models/breast-cancer "$tmp/models/"
kill -HUP "$pid"
ready() { req GET /v2/health/ready && want 200; }
ok "it is ready as soon as one serves"           wait_for 100 ready
req POST /v1/models/digits:predict @tests/data/digits/heldout.json # rows for a baseline
req GET /openapi.json
# Each example of a request, at the path that the examples of its parameters make. No model here has a label.
while IFS=$'\t' read -r path name example; do
    req POST "$path" "$example"
    ok "$path: the example '$name' works"         want 200
done < <(printf '%s' "$body" | jq -r '.components.parameters as $all | .paths | to_entries[] |
    (reduce (.value.parameters // [] | .[] | $all[.["$ref"] | split("/") | last]) as $p
        (.key; sub("{\($p.name)}"; $p.example | tostring))) as $path |
    select(.key | contains("{label}") | not) | .value.post // empty | .requestBody.content["application/json"].examples // empty |
    to_entries[] | [$path, .key, (.value.value | tojson)] | @tsv')

done_testing
