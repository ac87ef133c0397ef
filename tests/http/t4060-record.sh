#!/usr/bin/env bash
# The flight recorder: 64 connections, rows of many requests in one batch, and a sample that has each row with its own outputs;
# `axond replay` says whether a version still answers them so.
# shellcheck disable=SC2016 # what jq and python read is theirs
. "$(dirname "$0")/lib.sh"

# recording NAME ROWS MORE: the digits, under a name, with a recorder
recording() {
    cp -R configs/models/digits "$tmp/models/$1"
    jq --argjson rows "$2" ". + {record: {rows: \$rows}} + $3" configs/models/digits/config.json >"$tmp/models/$1/config.json"
}
mkdir "$tmp/models"
recording all 65536 '{batching: {queue_delay_us: 2000}}'
recording some 100 '{}'
recording idle 1 '{}'
cp -R configs/models/digits "$tmp/models/off"

clients() { python3 -B tests/http/record_clients.py "$address" "$@"; }
fetch() { curl -sS -f --noproxy '*' -o "$tmp/$1.npz" "$base/v1/models/$1/sample.npz"; }
sample() { fetch "$1" && [ "$(clients holds "$tmp/$1.answers" "$tmp/$1.npz" "$2")" = "$3" ]; }

serve --models "$tmp/models"
ok "the log states the memory" grep -q 'event=rows_are_recorded model=some version=1 rows=100 bytes=30400$' "$tmp/log"
ok "64 connections post 5 requests of 7 rows, which wait for company" clients serve all 64 5 7 "$tmp/all.answers"
ok "a recorder with room for more has each row once, with its own outputs to the bit" sample all all 2240
ok "and rows have met in batches" test "$(metric 'axond_inference_batches_total{model="all",version="1"}')" -lt 320
ok "64 connections more, one row each, to a recorder of 100 rows" clients serve some 64 10 1 "$tmp/some.answers"
ok "it has 100 of the 640" sample some some 100

req GET /v1/models/off/sample.npz
ok "without a recorder the key that turns one on is told" want 404 '.error | contains("\"record\": {\"rows\": 1000} in its config.json")'
req GET /v1/models/some/sample.npz -H 'X-Forwarded-For: 127.0.0.1'
ok "nobody gets rows by way of a proxy" want 403 '.code == "forbidden"'
req GET /v1/models/some/sample.npz -H 'Origin: http://localhost'
ok "nor does a page" want 403 '.code == "cross_site"'

if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    ok "numpy.load reads it" /usr/bin/python3 -c '
import numpy, sys
a = numpy.load(sys.argv[1])
assert {k: (v.shape, v.dtype.str) for k, v in a.items()} == {"inputs": ((100, 64), "<f4"), "outputs": ((100, 10), "<f4"), "unix_seconds": ((100,), "<f8")}
' "$tmp/some.npz"
else
    skip "numpy.load reads it" "no NumPy; zipfile and this test's own reader did"
fi

# replay MODEL FILE: sets said and code
replay() {
    said=$("$BIN" replay "$1" --models "$tmp/models" <"$2" 2>&1)
    code=$?
}
told() { echo "# $code: $said" && return 1; }
says() { [ "$code: $said" = "$1: $2" ] || told; }
complains() { [[ "$code: $said" == "2: axond: "*"$1"* ]] || told; }

replay all "$tmp/all.npz"
ok "the version that answered is equal bit for bit" says 0 'model all version 1, 2240 rows: all outputs are equal bit for bit'
python3 -B - "$tmp/all.npz" "$tmp/nan.npz" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as a, zipfile.ZipFile(sys.argv[2], "w") as b:
    for name in a.namelist():
        data = bytearray(a.read(name))
        if name == "outputs.npy":
            data[128:132] = b"\0\0\xc0\xff"
        b.writestr(name, data)
PYTHON
replay all "$tmp/nan.npz"
is_told() {
    [[ "$code: $said" == "1: model all version 1, 2240 rows: 1 differ"*"difference: inf, of row 0, output 0: recorded nan, now "*"
1 rows have another class, the first is row 0: recorded none, now "* ]] || told
}
ok "an output that was no number is told, and spoke for no class" is_told
fetch idle
replay idle "$tmp/idle.npz"
ok "of a sample without rows nothing can be said" complains 'inputs: no rows, so there is nothing to compare'

# Version 2: one weight of the last layer is another.
cp -R "$tmp/models/some/1" "$tmp/models/some/2"
rm -f "$tmp/models/some/2/golden.json" "$tmp/models/some/2/baseline.json"
python3 - "$tmp/models/some/2/weights.safetensors" <<'PYTHON'
import json, struct, sys
text = bytearray(open(sys.argv[1], "rb").read())
begin = 8 + struct.unpack("<Q", text[:8])[0]
at = begin + json.loads(text[8:begin])["output.weight"]["data_offsets"][0]
for i in range(64):
    text[at + 4 * i:at + 4 * i + 4] = struct.pack("<f", 0.5 * i / 64)
open(sys.argv[1], "wb").write(text)
PYTHON
replay some "$tmp/some.npz"
kill -HUP "$pid"
is_new() { req GET /v1/models/some/versions/2; [ "$status" = 200 ]; }
ok "another version comes" wait_for 100 is_new
ok "its differences are told, as another program finds them" says 1 "$(clients differ some "$tmp/some.npz")"
ok "and they are real" grep -qE '^[1-9][0-9]* rows have another class' <<<"$said"
fetch some
replay some "$tmp/some.npz"
ok "the new version has begun anew: these 100 rows, its own" says 0 'model some version 2, 100 rows: all outputs are equal bit for bit'

replay all configs/models/digits/config.json
ok "what is no archive is refused" complains 'not a .npz archive'
python3 -B tests/http/npz.py configs/models/digits/1/weights.safetensors "$tmp/weights.npz" deflate
replay all "$tmp/weights.npz"
ok "and so is one of other arrays" complains 'inputs: no such array; a sample has inputs, outputs and unix_seconds'
cp -R configs/models/breast-cancer "$tmp/models/narrow"
replay narrow "$tmp/all.npz"
ok "a model of another width says both" complains 'inputs: shape [2240, 64], expected [rows, 30]'
head -c 5000 "$tmp/all.npz" >"$tmp/cut.npz"
replay all "$tmp/cut.npz"
ok "a file that is cut says so" complains 'not a readable .npz archive: its end is not there; was it written completely?'
replay none "$tmp/all.npz"
ok "an unknown model is told" complains "no model 'none'"
ok "without a model the usage is" test "$("$BIN" replay 2>"$tmp/usage"; echo $?)" = 2
done_testing
