#!/usr/bin/env bash
# baseline, compact and replay when something is wrong with what they are given: each says what, and where, and exits with the
# status that --help promises; nothing that was there is lost.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"

cp -R configs/models "$tmp/models"
python3 -B - "$tmp" <<'PY'
import json, sys
sys.path.insert(0, "tests/http")
import io, zipfile, rows
x = json.load(open("tests/data/digits/heldout.json"))["instances"]
y = json.load(open("tests/data/digits/expected.json"))["predictions"]
open(sys.argv[1] + "/rows.npy", "wb").write(rows.npy(x))
with zipfile.ZipFile(sys.argv[1] + "/sample.npz", "w") as file:
    for name, array in (("inputs", x), ("outputs", y)):
        file.writestr(name + ".npy", rows.npy(array))
PY
: >"$tmp/empty"
head -c 20000 "$tmp/rows.npy" >"$tmp/cut.npy"
head -c 20000 "$tmp/sample.npz" >"$tmp/cut.npz"
mkfifo "$tmp/pipe"

# says STATUS TEXT FILE COMMAND...: of standard input FILE
says() {
    local want=$1 text=$2 file=$3 code
    shift 3
    "$BIN" "$@" --models "$tmp/models" <"$file" >"$tmp/out" 2>"$tmp/said"
    code=$?
    [ "$code" = "$want" ] && [ "$(<"$tmp/said")" = "axond: $text" ] && return
    sed "s/^/# $code: /" "$tmp/said"
    return 1
}
# terminal COMMAND...: with a terminal for standard input
terminal() { python3 -B -c 'import os, pty, subprocess, sys
sys.exit(subprocess.run(sys.argv[1:], stdin=pty.openpty()[1]).returncode)' "$@"; }
says_at_a_terminal() {
    local want=$1 text=$2 code
    shift 2
    terminal "$BIN" "$@" --models "$tmp/models" >"$tmp/out" 2>"$tmp/said"
    code=$?
    [ "$code" = "$want" ] && [ "$(<"$tmp/said")" = "axond: $text" ] && return
    sed "s/^/# $code: /" "$tmp/said"
    return 1
}

ok "baseline: a terminal" says_at_a_terminal 1 'standard input is a terminal, expected a file: < rows.npy, rows.csv or rows.json' baseline digits
ok "replay: a terminal" says_at_a_terminal 2 'standard input is a terminal, expected a file: < sample.npz' replay digits
ok "baseline: an empty file" says 1 'standard input is empty, expected rows.npy, rows.csv or rows.json' "$tmp/empty" baseline digits
ok "replay: an empty file" says 2 'standard input is empty, expected sample.npz' "$tmp/empty" replay digits
ok "baseline: a folder" says 1 'standard input: Is a directory' "$tmp" baseline digits
ok "replay: a folder" says 2 'standard input: Is a directory' "$tmp" replay digits
ok "baseline: another file" says 1 'standard input: line 1: 1 column, the model takes 64' README.md baseline digits
ok "replay: another file" says 2 "standard input: not a .npz archive: $(stat -c %s README.md) bytes that do not begin with PK" README.md replay digits
ok "baseline: a file that is cut" says 1 'standard input: ends in row 77 of the 450 that the header tells; was it written completely?' "$tmp/cut.npy" baseline digits
ok "replay: an archive that is cut" says 2 'standard input: not a readable .npz archive: its end is not there; was it written completely?' "$tmp/cut.npz" replay digits
ok "baseline: labels that are a folder" says 1 "--labels: $tmp: Is a directory" "$tmp/rows.npy" baseline digits --labels "$tmp"
ok "baseline: labels that are empty" says 1 "--labels: $tmp/empty is empty, expected labels.npy" "$tmp/rows.npy" baseline digits --labels "$tmp/empty"
for command in baseline compact replay; do
    failed=1
    [ "$command" != replay ] || failed=2
    ok "$command: a misspelt model" says "$failed" "$tmp/models: no model 'digtis'; did you mean \"digits\"?" "$tmp/empty" "$command" digtis
    ok "$command: no such model" says "$failed" "$tmp/models: no model 'wine'" "$tmp/empty" "$command" wine
    ok "$command: no name of a model" says "$failed" "'../x' is no name of a model: 1 to 64 letters, digits, '.', '_' or '-', and perhaps /VERSION or /LABEL" "$tmp/empty" "$command" ../x
    ok "$command: no model" says 2 "$command: expected MODEL: a model of --models: its newest version, or NAME/VERSION, NAME/LABEL; none with --model-dir" "$tmp/empty" "$command"
    ok "$command: an empty name" says 2 "$command: expected MODEL, found an empty text" "$tmp/empty" "$command" ''
done
for command in baseline compact; do
    ok "$command: an empty --output" says 2 "--output: expected FILE, found an empty text" "$tmp/rows.npy" "$command" digits --output ''
done
ok "compact: a folder above that is missing" says 1 "$tmp/none/here: No such file or directory" "$tmp/empty" compact digits --output "$tmp/none/here"
ok "compact: a folder above that is a file" says 1 "$tmp/empty/here: Not a directory" "$tmp/empty" compact digits --output "$tmp/empty/here"
full() { (ulimit -f 8 && says 1 "$tmp/full: 1/weights.safetensors: File too large" "$tmp/empty" compact digits --output "$tmp/full"); }
ok "compact: a disk that is full" full
ok "leaves nothing" [ -z "$(find "$tmp" -maxdepth 1 -name '*full*')" ]
nowhere() { "$BIN" "$@" --models "$tmp/models" >/dev/full 2>"$tmp/said"; }
not_printed() {
    nowhere "$@"
    [ $? = "$failed" ] && [ "$(<"$tmp/said")" = 'axond: standard output: No space left on device' ]
}
failed=1
ok "baseline: what it says can go nowhere" not_printed baseline digits --output "$tmp/out.json" <"$tmp/rows.npy"
ok "compact: what it says can go nowhere" not_printed compact digits --output "$tmp/compact"
failed=2
ok "replay: what it says can go nowhere" not_printed replay digits <"$tmp/sample.npz"
failed=1
ok "help that can go nowhere" not_printed --help
into_pipe() {
    cat "$tmp/pipe" >"$tmp/from" &
    "$BIN" baseline digits --models "$tmp/models" --output "$tmp/pipe" <"$tmp/rows.npy" >"$tmp/out" && wait $! && cmp "$tmp/from" "$tmp/out.json"
}
ok "baseline: a pipe is written to" into_pipe
ok "and is still one" [ -p "$tmp/pipe" ]
ok "the models are as they were" diff -r configs/models "$tmp/models"

done_testing
