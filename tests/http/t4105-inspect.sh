#!/usr/bin/env bash
# inspect: the arrays of a file, the models of a folder, and what is said of files that are none of these; the help of commands.
# shellcheck disable=SC1091,SC2154,SC2016 # lib.sh sets tmp; what stands in quotes is evaluated by ok
. "$(dirname "$0")/lib.sh"

python3 -B - "$tmp" <<'PY'
import json, struct, sys
sys.path.insert(0, "tests/http")
import io, zipfile, rows
tmp = sys.argv[1]
def write(name, text): open(tmp + "/" + name, "wb").write(text if isinstance(text, bytes) else text.encode())
nan, inf = float("nan"), float("inf")
write("rows.npy", rows.npy([[1, 2], [3, nan], [inf, -4]]))
def safetensors(arrays):
    head, data = {}, b""
    for name, (kind, shape, raw) in arrays.items():
        head[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data
write("w.safetensors", safetensors({
    "a": ("F32", [2, 2], struct.pack("<4f", 1, 2, 3, 4)), "b": ("F64", [3], struct.pack("<3d", 0, 0, 0)),
    "c": ("F32", [2, 2], struct.pack("<4f", 1, 2, nan, 4)), "d": ("I64", [1], bytes(8)), "e": ("F16", [2], b"\x00\x3c\x00\x3c")}))
write("cut.safetensors", safetensors({"a": ("F32", [2, 2], bytes(16))})[:-4])
with zipfile.ZipFile(tmp + "/sample.npz", "w") as file:
    for name, array in (("inputs", [[1, 2]] * 3), ("outputs", [[5]] * 3), ("unix_seconds", [[7]] * 3)):
        file.writestr(name + ".npy", rows.npy(array))
for name in ("model.pt", "model.onnx", "notes.txt", "empty"): write(name, "" if name == "empty" else "what ever")
PY
said() { "$BIN" inspect "$@" >"$tmp/out" 2>"$tmp/said"; }
# has TEXT: a line of what was printed, blanks as one
has() { tr -s ' ' <"$tmp/out" | grep -qxF "$1" || { sed 's/^/# /' "$tmp/out" "$tmp/said"; return 1; }; }
# refuses TEXT FILE
refuses() {
    said "$2"
    [ $? = 1 ] && [ ! -s "$tmp/out" ] && [ "$(<"$tmp/said")" = "axond: $1" ] && return
    sed 's/^/# /' "$tmp/out" "$tmp/said"
    return 1
}

ok "a .npy" said "$tmp/rows.npy"
ok "its type, shape, numbers and the first that is none" has 'rows.npy <f4 [3, 2] min -4 max 3 mean 0.5 NaN 1 infinite 1; the first is [1, 1]'
ok "a .safetensors" said "$tmp/w.safetensors"
ok "an array" has 'a F32 [2, 2] min 1 max 4 mean 2.5 NaN 0'
ok "one of zeros" has 'b F64 [3] min 0 max 0 mean 0 NaN 0; all are 0'
ok "one with NaN" has 'c F32 [2, 2] min 1 max 4 mean 2.33333333 NaN 1; the first is [1, 0]'
ok "one that cannot be weights" has 'd I64 [1] '
ok "half floats" has 'e F16 [2] min 1 max 1 mean 1 NaN 0; all are equal'
ok "their sum" grep -q '^5 arrays, 14 numbers, ' "$tmp/out"
ok "a sample" said "$tmp/sample.npz"
ok "is known as one" has 'a sample of 3 rows that were answered: axond replay MODEL compares them'
ok "a model" said configs/models/digits
cp "$tmp/out" "$tmp/digits"
ok "its task, inputs and outputs" has 'model digits version 1: multiclass, 64 features (pixels) to 10 outputs (probabilities)'
ok "a layer" has ' hidden1 128 units relu'
ok "its size" has 'parameters: 17226'
ok "its labels" has 'labels: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9'
ok "its baseline" grep -q '^baseline: 450 rows, mean confidence 0\.9' "$tmp/out"
ok "its advice" has ' info proven_dead hidden1[4]: 4 of 128 units can never fire, the first is 4'
for path in configs/models/digits/ configs/models/digits/1 configs/models/digits/config.json; do
    ok "the same by $path" eval 'said "$path" && cmp "$tmp/out" "$tmp/digits"'
done
ok "all models of a folder" eval 'said configs/models && grep -q "^model breast-cancer version 1: binary" "$tmp/out" && grep -q "^model digits" "$tmp/out"'

ok "a file that is cut: the loader's words" refuses 'cut.safetensors: a.data_offsets: [0, 16] is not within the 12 bytes of data' "$tmp/cut.safetensors"
ok "PyTorch's" refuses 'model.pt: pickle files can run code and are never read; load it in Python, and write this folder with configs/export/from_torch.py: export(model, "<model>")' "$tmp/model.pt"
ok "ONNX" eval 'said "$tmp/model.onnx"; [ $? = 1 ] && grep -q "^axond: model.onnx: this build does not read this format yet" "$tmp/said"'
ok "another file" refuses "notes.txt: 9 bytes that begin like no .safetensors, .npz or .npy; a model's folder is inspected as a whole" "$tmp/notes.txt"
ok "an empty one" refuses "empty: 0 bytes that begin like no .safetensors, .npz or .npy; a model's folder is inspected as a whole" "$tmp/empty"
ok "none" refuses "$tmp/none: No such file or directory" "$tmp/none"
cp -R configs/models "$tmp/models"
truncate -s -4 "$tmp/models/digits/1/weights.safetensors"
ok "a model that does not load" eval 'said "$tmp/models/digits"; [ $? = 1 ] && grep -q "^axond: 1/weights.safetensors: " "$tmp/said"'
ok "among others" eval 'said "$tmp/models"; [ $? = 1 ] && grep -q "^model digits version 1: 1/weights.safetensors: " "$tmp/out" && grep -q "^model breast-cancer" "$tmp/out"'

# ---- help
for command in serve predict apply inspect baseline compact replay --check-config --print-config --health --completion; do
    ok "help of $command" eval '"$BIN" $command --help | head -n 1 | grep -q "^usage: axond $command " && "$BIN" $command --help | grep -q "^Exit:" && "$BIN" --help $command | cmp - <("$BIN" $command --help)'
done
ok "no line is too long" eval '! for command in serve predict apply inspect baseline compact replay; do "$BIN" $command --help; done | grep -E "^.{101}"'

# ---- progress, on a terminal alone
cat >"$tmp/watch.py" <<'PY'
import os, pty, subprocess, sys
parent, child = pty.openpty()
with open(sys.argv[1], "rb") as rows, open(os.devnull, "wb") as nothing:
    # read slowly, so that there is something to tell
    slow = subprocess.Popen([sys.executable, "-c", "import sys, time\nwhile piece := sys.stdin.buffer.read(40000):\n    sys.stdout.buffer.write(piece); sys.stdout.flush(); time.sleep(0.3)"],
                            stdin=rows, stdout=subprocess.PIPE)
    status = subprocess.run(sys.argv[2:], stdin=slow.stdout, stdout=nothing, stderr=child).returncode
os.close(child)
said = b""
try:
    while piece := os.read(parent, 4096):
        said += piece
except OSError:
    pass
print(status, said)
PY
python3 -B -c 'import json, sys; sys.path.insert(0, "tests/http"); import rows; sys.stdout.buffer.write(rows.npy(json.load(open("tests/data/digits/heldout.json"))["instances"]))' >"$tmp/digits.npy"
python3 -B "$tmp/watch.py" "$tmp/digits.npy" "$BIN" predict digits >"$tmp/shown"
ok "a terminal sees rows and rows a second" grep -qE '[0-9]+ rows, [0-9]+ rows/s' "$tmp/shown"
ok "and nothing is left of it" grep -qE '\\x1b\[K.$' "$tmp/shown"

done_testing
