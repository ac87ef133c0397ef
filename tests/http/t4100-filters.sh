#!/usr/bin/env bash
# predict and apply: standard input through a model or an activation, in every format, with the bits of the service; long
# inputs in bounded memory; and what is said of inputs that are wrong.
# shellcheck disable=SC1091,SC2154,SC2016 # lib.sh sets tmp; what stands in quotes is evaluated by ok
. "$(dirname "$0")/lib.sh"

python3 -B - "$tmp" <<'PY'
import json, struct, sys
sys.path.insert(0, "tests/http")
import rows
tmp = sys.argv[1]
x = json.load(open("tests/data/digits/heldout.json"))["instances"]
def write(name, text): open(tmp + "/" + name, "wb").write(text if isinstance(text, bytes) else text.encode())
write("rows.npy", rows.npy(x))
write("bare.json", json.dumps(x))
write("rows.ndjson", "".join(json.dumps(r) + "\n" for r in x))
write("named.csv", "," + ",".join(f"p{i}" for i in range(64)) + "\r\n" + "".join(f"{n}," + ",".join(map(str, r)) + "\r\n" for n, r in enumerate(x)))
write("plain.csv", "".join(",".join(map(str, r)) + "\n" for r in x))
def head(shape, descr="<f4", order="False"):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
flat = [float(v) for r in x for v in r]
write("f8.npy", head("(450, 64)", "<f8") + struct.pack(f"<{len(flat)}d", *flat))
write("fortran.npy", head("(450, 64)", "<f4", "True") + struct.pack(f"<{len(flat)}f", *(x[r][c] for c in range(64) for r in range(450))))
flat[64 * 7 + 3] = 1e39
write("large.npy", head("(450, 64)", "<f8") + struct.pack(f"<{len(flat)}d", *flat))
write("cut.npy", open(tmp + "/rows.npy", "rb").read()[:-100])
write("more.npy", open(tmp + "/rows.npy", "rb").read() + b"x")
write("narrow.npy", head("(3, 2)") + bytes(24))
write("none.npy", head("(0, 64)"))
write("cube.npy", head("(2, 2, 2)") + struct.pack("<8f", 1, -2, 3, -4, 5, -6, 7, -8))
write("nan.npy", head("(2, 1)") + struct.pack("<2f", float("nan"), float("inf")))
write("ragged.ndjson", json.dumps(x[0]) + "\n" + json.dumps(x[1][:5]) + "\n")
write("word.ndjson", json.dumps(x[0]) + "\n\n" + json.dumps(x[1]).replace("0", '"a"', 1) + "\n")
PY
serve
curl -s --noproxy '*' "$base/v1/models/digits:predict" --data-binary @tests/data/digits/heldout.json >"$tmp/want.json"
echo >>"$tmp/want.json"

# is NAME FILE COMMAND...: standard output is that file, and nothing is said
is() {
    local want=$1
    shift
    "$BIN" "$@" >"$tmp/out" 2>"$tmp/said" && [ ! -s "$tmp/said" ] && cmp "$want" "$tmp/out"
}
# says STATUS TEXT COMMAND...
says() {
    local want=$1 text=$2 code
    shift 2
    "$BIN" "$@" >"$tmp/out" 2>"$tmp/said"
    code=$?
    [ "$code" = "$want" ] && [ "$(<"$tmp/said")" = "axond: $text" ] && return
    sed "s/^/# $code: /" "$tmp/said"
    return 1
}
# prints TEXT COMMAND...
prints() {
    local want=$1
    shift
    "$BIN" "$@" >"$tmp/out" 2>"$tmp/said" && [ "$(<"$tmp/out")" = "$want" ] && return
    sed 's/^/# /' "$tmp/out" "$tmp/said"
    return 1
}

# ---- predict
ok "a JSON object is a request" is "$tmp/want.json" predict digits <tests/data/digits/heldout.json
for file in bare.json rows.ndjson rows.npy f8.npy fortran.npy plain.csv named.csv; do
    ok "the bits of the service: $file" is "$tmp/want.json" predict digits --output-format json <"$tmp/$file"
done
"$BIN" predict digits <"$tmp/rows.npy" >"$tmp/want.npy"
ok ".npy is answered with .npy" cmp <(head -c 6 "$tmp/want.npy") <(printf '\x93NUMPY')
for file in bare.json rows.ndjson fortran.npy plain.csv; do
    ok "to .npy: $file" is "$tmp/want.npy" predict digits --output-format npy <"$tmp/$file"
done
ok "from a pipe" is "$tmp/want.npy" predict digits < <(cat "$tmp/rows.npy")
"$BIN" predict digits --output-format csv <"$tmp/rows.npy" >"$tmp/want.csv"
ok "CSV begins with the labels" [ "$(head -n 1 "$tmp/want.csv")" = 0,1,2,3,4,5,6,7,8,9 ]
ok "and has a line for each row" [ "$(wc -l <"$tmp/want.csv")" = 451 ]
ok "CSV without names is answered without" is <(tail -n +2 "$tmp/want.csv") predict digits <"$tmp/plain.csv"
ok "CSV with names is answered with names" is "$tmp/want.csv" predict digits <"$tmp/named.csv"
ok "NDJSON has a line for each row" eval '"$BIN" predict digits <"$tmp/rows.ndjson" | jq -c . | cmp - <(jq -c ".predictions[]" "$tmp/want.json")'
jq -c '. + {top_k: 2}' tests/data/digits/heldout.json | curl -s --noproxy '*' "$base/v1/models/digits:predict" --data-binary @- >"$tmp/top.json"
echo >>"$tmp/top.json"
ok "top_k in a request" is "$tmp/top.json" predict digits < <(jq -c '. + {top_k: 2}' tests/data/digits/heldout.json)
ok "top_k of a request" is "$tmp/top.json" predict digits --top-k 2 <tests/data/digits/heldout.json
ok "inputs are answered with outputs" is <(sed 's/^{"predictions"/{"outputs"/' "$tmp/top.json") predict digits --top-k 2 < <(sed s/instances/inputs/ tests/data/digits/heldout.json)
ok "top_k of rows" is "$tmp/top.json" predict digits --top-k 2 --output-format json <"$tmp/rows.npy"
ok "top_k in NDJSON" eval '"$BIN" predict digits --top-k 2 <"$tmp/rows.ndjson" | jq -c .classes | cmp - <(jq -c ".classes[]" "$tmp/top.json")'
ok "top_k in CSV" eval '[ "$("$BIN" predict digits --top-k 1 --output-format csv <"$tmp/rows.npy" | cut -d, -f11 | sed -n "1p;2p" | paste -sd,)" = label_1,2 ]'
ok "top_k in .npy" says 1 '--top-k: a .npy file has no place for labels; --output-format csv or json has' predict digits --top-k 2 <"$tmp/rows.npy"
ok "top_k beyond the labels" says 1 "--top-k: expected a whole number within 1 .. 10, the model's labels" predict digits --top-k 11 <"$tmp/bare.json"
ok "a version" is "$tmp/want.npy" predict digits/1 <"$tmp/rows.npy"
ok "no such version" says 1 "model digits: no version or label '2' is loaded; config.json has it serve version 1" predict digits/2 <"$tmp/rows.npy"
ok "a folder that is the model" is "$tmp/want.npy" predict --model-dir configs/models/digits <"$tmp/rows.npy"
ok "no rows" prints '{"predictions":[]}' predict digits --output-format json <"$tmp/none.npy"

ok "rows that are too narrow" says 1 'standard input: 2 numbers a row, the model takes [rows, 64]' predict digits <"$tmp/narrow.npy"
ok "a tensor of rank 3" says 1 'standard input: rank 3, the model takes [rows, 64]' predict digits <"$tmp/cube.npy"
ok "a number beyond float32, with row and column" says 1 'standard input[7][3]: 1e+39 is outside the range of float32' predict digits <"$tmp/large.npy"
ok "a file that is cut" says 1 'standard input: ends in row 449 of the 450 that the header tells; was it written completely?' predict digits <"$tmp/cut.npy"
ok "bytes after the last row" says 1 'standard input: bytes follow the 450 rows that the header tells' predict digits <"$tmp/more.npy"
ok "a row that is too short" says 1 'standard input: line 2: 5 numbers, the rows before have 64' predict digits <"$tmp/ragged.ndjson"
ok "a text in a row" says 1 'standard input: line 3[0]: expected a number, found a string' predict digits <"$tmp/word.ndjson"
ok "a request that is refused" says 1 'instances: shape [1, 1], the model takes [rows, 64]' predict digits <<<'{"instances": [[1]]}'
ok "a key that nobody reads" says 1 'tpo_k: unknown key; did you mean "top_k"?' predict digits <<<'{"instances": [[1]], "tpo_k": 3}'
ok "a misspelt model" says 1 "configs/models: no model 'digtis'; did you mean \"digits\"?" predict digtis <"$tmp/rows.npy"
ok "no model" says 2 'predict: expected MODEL: a model of --models: its newest version, or NAME/VERSION, NAME/LABEL; none with --model-dir' predict
ok "no such folder of models" says 78 'models: /nonexistent: No such file or directory' predict digits --models /nonexistent
ok "a bad variable" env AXOND_THREADS=x bash -c '"$0" predict digits </dev/null 2>/dev/null; [ $? = 78 ]' "$BIN"
"$BIN" key >"$tmp/keys" 2>/dev/null && chmod 600 "$tmp/keys"
ok "keys and hosts guard a service, not a command" is "$tmp/want.json" predict digits --keys "$tmp/keys" --hosts example.com <tests/data/digits/heldout.json
ok "no such format" says 2 '--format: expected one of json|ndjson|npy|csv, found "xml"' predict digits --format xml
ok "nothing" says 1 'standard input is empty, expected rows.npy, rows.csv or rows.json' predict digits </dev/null
no_space() { "$BIN" predict digits <"$tmp/rows.npy" >/dev/full 2>"$tmp/said"; [ $? = 1 ] && [ "$(<"$tmp/said")" = 'axond: standard output: No space left on device' ]; }
ok "a disk that is full" no_space
quiet_head() {
    local codes
    for _ in {1..200}; do cat "$tmp/plain.csv"; done 2>"$tmp/cat" | "$BIN" predict digits 2>"$tmp/said" | head -n 1 >"$tmp/out"
    codes=("${PIPESTATUS[@]}")
    [ "${codes[1]}" = 141 ] && [ ! -s "$tmp/said" ]
}
ok "a reader that leaves ends it quietly" quiet_head

# 2^20 rows, 256 MiB: more than the process may have
long() {
    python3 -B -c 'import sys
text = "{'"'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 64), }"'".ljust(117) + "\n"
out = sys.stdout.buffer
out.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())
for _ in range(1024): out.write(bytes(1024 * 256))'
}
bounded() { (ulimit -v 200000 && long | "$BIN" predict digits | wc -c) 2>"$tmp/said" | grep -qx $((128 + 1048576 * 40)); }
if [ -z "${SAN:-}" ]; then
    ok "a long input takes little memory" bounded
else
    skip "a long input takes little memory" "sanitizers reserve address space"
fi
by_line() {
    local line
    coproc "$BIN" predict digits
    head -n 1 "$tmp/rows.ndjson" >&"${COPROC[1]}"
    echo >&"${COPROC[1]}"
    head -n 1 "$tmp/rows.ndjson" >&"${COPROC[1]}"
    read -rt $((20 * slack)) line <&"${COPROC[0]}"
    kill "$COPROC_PID" && wait "$COPROC_PID" 2>/dev/null
    [ "$line" = "$("$BIN" predict digits <"$tmp/rows.ndjson" | head -n 1)" ] || { echo "# $line"; return 1; }
}
ok "a row is answered before the next one comes" by_line

# ---- a table's columns, of a network that says a + 10 b
mkdir "$tmp/models" "$tmp/models/sum"
echo '{"task": "regression", "input": {"name": "x", "features": 2, "columns": ["a", "b"]}, "output": {"name": "y"},
    "layers": [{"name": "output", "units": 1, "activation": "identity", "weight": [[1, 10]], "bias": [0]}]}' >"$tmp/models/sum/config.json"
sum() { "$@" --models "$tmp/models"; }
table() { local text=$1; shift; sum "$@" <<<"$text"; }
ok "columns in another order, and a stranger" table $'b,c,a\n1,x,2\n3,,4' prints $'y\n12\n34' predict sum
ok "an index of pandas" table $',a,b\n0,1,2' prints $'y\n21' predict sum
ok "quotes, CRLF and empty lines" table $'"a","b"\r\n\r\n"1",2\r\n' prints $'y\n21' predict sum
ok "numbers alone" table $'1,2\n\n0,1' prints $'21\n10' predict sum
ok "a column is missing" table $'a,c\n1,2' says 1 'standard input: line 1: the column "b" is missing; "c" is none of the model'"'"'s input.columns' predict sum
ok "a column is there twice" table $'a,b,a\n1,2,3' says 1 'standard input: line 1: the column "a" is there twice' predict sum
ok "a text, with line, row and column" table $'a,b\n1,2\n3,much' says 1 'standard input: line 3 (row 1), column "b": expected a number, found "much"' predict sum
ok "no value" table $'a,b\n1,\n' says 1 'standard input: line 2 (row 0), column "b": expected a number, found no value; ?non_finite=token lets missing values in' predict sum
ok "unless it may be missing" table $'a,b\n1,\n' prints $'y\nNaN' predict sum --non-finite token
ok "too few cells" table $'1,2\n3' says 1 'standard input: line 2: 1 cell, the first row has 2' predict sum
ok "too many columns" table $'1,2,3' says 1 'standard input: 3 numbers a row, the model takes [rows, 2]' predict sum
far_row() { (seq -f '%.0f,1' 100000; echo 1,x) | sum says 1 'standard input: line 100001 (row 100000), column "1": expected a number, found "x"' predict sum; }
ok "a row that comes late has its number" far_row
ok "and the rows before were answered" [ "$(wc -l <"$tmp/out")" -gt 90000 ]

# ---- apply
ok "relu of positive rows" is "$tmp/rows.npy" apply relu < <(cat "$tmp/rows.npy")
ok "an array" prints '[[1,-0.4],[3,-0.8]]' apply leaky_relu alpha=0.2 <<<'[[1, -2], [3, -4]]'
ok "its derivatives" prints '[[1,0.2],[1,0.2]]' apply leaky_relu alpha=0.2 --gradient <<<'[[1, -2], [3, -4]]'
req POST '/v1/activations/leaky_relu' '{"data": [[1, -2], [3, -4]], "parameters": {"alpha": 0.2}, "gradient": true}'
ok "an object is a request" prints "$body" apply leaky_relu alpha=0.2 --gradient <<<'{"data": [[1, -2], [3, -4]]}'
ok "an object to a table" prints $'1,-0.4\n3,-0.8' apply leaky_relu alpha=0.2 --output-format csv <<<'{"data": [[1, -2], [3, -4]]}'
ok "an alias" prints '[0.7310586]' apply swish <<<'[1]'
ok "a number" prints 3 apply relu --format json <<<3
ok "a table" prints $'1,0\n3,0' apply relu <<<$'1,-2\n3,-4'
ok "a table with names" prints $'data_0,data_1\n1,0' apply relu <<<$'a,b\n1,-2'
ok "rows of softmax" prints '[[0.5,0.5],[0.5,0.5]]' apply softmax <<<'[[1, 1], [3, 3]]'
ok "its columns" prints '[[0.5,0.5],[0.5,0.5]]' apply softmax axis=0 <<<'[[1, 2], [1, 2]]'
ok "a gated one halves" prints '[[0.5],[1.5]]' apply glu <<<'[[1, 0], [3, 0]]'
ok "rank 3" prints '[[[1,0],[3,0]],[[5,0],[7,0]]]' apply relu --output-format json <"$tmp/cube.npy"
ok "which is no table" says 1 '--output-format csv: the result has rank 3, a table has 2' apply relu --output-format csv <"$tmp/cube.npy"
ok "NaN and infinity pass in .npy" is "$tmp/nan.npy" apply relu < <(cat "$tmp/nan.npy")
ok "and are refused in JSON" says 1 'data[0][0] is NaN; --non-finite null|string|token writes it' apply relu --output-format json <"$tmp/nan.npy"
ok "unless they may stand there" prints '[[NaN],[Infinity]]' apply relu --output-format json --non-finite token <"$tmp/nan.npy"
ok "no such activation" says 1 "'rellu': no such activation; did you mean \"relu\"?" apply rellu <<<'[1]'
ok "no such parameter" says 1 "query: unknown parameter 'alpha'; known here: non_finite, axis, dialect, gradient" apply relu alpha=1 <<<'[1]'
ok "no number" says 1 "query: alpha: expected a number within float32, found 'x'" apply leaky_relu alpha=x <<<'[1]'
ok "no activation" says 2 'apply: expected ACTIVATION: its name or an alias of it, such as relu or swish' apply alpha=1
ok "two of them" says 2 'gelu: ACTIVATION was given already: relu' apply relu gelu

done_testing
