#!/usr/bin/env bash
# The command line without serving: help, version, configuration, health; and how it refuses.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

# axond EXPECTED-STATUS [args]: runs it, output in $tmp/out and $tmp/err
axond() {
    local expected=$1 got
    shift
    timeout $((20 * slack)) "$BIN" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    status=$got body=$(cat "$tmp/out" "$tmp/err")
    : >"$tmp/curl"
    [ "$got" = "$expected" ]
}
says() { grep -qF -- "$2" "$tmp/$1"; }
silent() { [ ! -s "$tmp/$1" ]; }
one_line() { [ "$(wc -l <"$tmp/$1")" = 1 ]; }

ok "--help exits 0" axond 0 --help
ok "and prints the usage to standard output" says out "usage: axond"
ok "and nothing to standard error" silent err
ok "-h is the same" axond 0 -h
ok "--version exits 0" axond 0 --version
ok "and names the version" grep -qE '^axond [0-9]+\.[0-9]+\.[0-9]+ \(.+\)$' "$tmp/out"
ok "help works under a broken environment" env AXOND_THREADS=many "$BIN" --help -h >"$tmp/out"

ok "an unknown option exits 2" axond 2 --modles x
ok "and names the nearest" says err "axond: --modles: no such option; did you mean \"--models\"?"
ok "in one line, and nothing on standard output" eval 'one_line err && silent out'
ok "a bare word exits 2" axond 2 configs/models
ok "a missing value exits 2" axond 2 --models
ok "a value out of range exits 2" axond 2 --threads 1000
ok "and tells the range" says err "expected a whole number from 0 to 256"

echo '{"body_byte_max": 5}' >"$tmp/bad.json"
ok "an unknown key exits 78" axond 78 --config "$tmp/bad.json"
ok "and names file, line, key and the nearest" \
    says err "$tmp/bad.json:1: body_byte_max: unknown key; did you mean \"body_bytes_max\"?"
ok "a configuration that is not there exits 78" axond 78 --config "$tmp/nothing.json"
ok "a folder that is not there exits 78" axond 78 --models "$tmp/nothing"
ok "and is named in one line" eval 'says err "models: $tmp/nothing: No such file or directory" && one_line err'
ok "a file in place of the folder exits 78" axond 78 --models "$tmp/bad.json"
ok "an instruction set that the CPU lacks is no crash" eval 'axond 78 --isa avx512 --check-config || axond 0 --isa avx512 --check-config'

ok "--print-config exits 0" axond 0 --print-config --rows-max 7 --log-level=debug
ok "and prints JSON with what was set" eval 'jq -e ".rows_max == 7 and .log_level == \"debug\"" "$tmp/out" >/dev/null'
cp "$tmp/out" "$tmp/printed.json"
ok "which --config reads back" axond 0 --print-config --config "$tmp/printed.json"
ok "to the same" cmp "$tmp/out" "$tmp/printed.json"
axond 0 --help
help=$(cat "$tmp/out")
every_option_is_in_help() {
    local flag
    for flag in $(jq -r 'keys[] | gsub("_"; "-")' "$tmp/printed.json"); do
        [[ $help == *"  --$flag "* || $help == *"  --${flag}["* ]] || return 1
    done
}
ok "every option that is printed is in --help" every_option_is_in_help

ok "--check-config of the shipped models exits 0" axond 0 --check-config --models configs/models
ok "and tells what loads" says out "model digits version 1: loads"
mkdir -p "$tmp/models/broken/1"
echo '{"layers": 3}' >"$tmp/models/broken/config.json"
ok "--check-config with a broken model exits 1" axond 1 --check-config --models "$tmp/models"
ok "and tells which and why" grep -qE '^model broken version 1: config.json: layers: expected an array, found 3' "$tmp/out"
AXOND_LISTNE=x axond 2 --check-config --models configs/models
ok "--check-config finds variables that are no options" says out "AXOND_LISTNE: no such option; did you mean \"AXOND_LISTEN\"?"
ok "--check-config with a broken file exits 78" axond 78 --check-config --config "$tmp/bad.json"
mkdir "$tmp/empty"
ok "--check-config without models exits 0" axond 0 --check-config --models "$tmp/empty"

serve --models configs/models
ok "--health of a service that is ready exits 0" axond 0 --health --listen "$address"
ok "and says nothing" eval 'silent out && silent err'
ok "the address may come from the environment" env "AXOND_LISTEN=$address" "$BIN" --health
port=${address##*:}
stop
ok "--health where nothing listens exits 1" axond 1 --health --listen "127.0.0.1:$port"
ok "and says why" says err "127.0.0.1:$port: Connection refused"
ok "--health of port 0 exits 1" axond 1 --health --listen 127.0.0.1:0

# Something that accepts and never answers: the probe must not wait for ever.
python3 - "$tmp/mute" <<'PYTHON' &
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
import os
os.rename(sys.argv[1] + ".new", sys.argv[1])
c, _ = s.accept()
for _ in range(200):  # a byte now and then does not prolong it
    time.sleep(0.1)
    try:
        c.send(b"H")
    except OSError:
        break
PYTHON
mute=$!
wait_for 100 test -e "$tmp/mute"
started=$EPOCHREALTIME
ok "--health of a service that trickles exits 1" axond 1 --health --listen "127.0.0.1:$(cat "$tmp/mute")"
took=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
ok "because of its total time limit" says err "Connection timed out"
ok "which is 3 s ($took)" awk -v t="$took" -v s="$slack" 'BEGIN { exit !(t > 2.5 && t < 3 + 2 * s) }'
kill "$mute" 2>/dev/null
wait "$mute" 2>/dev/null

serve --models configs/models --lame-duck 5
kill -TERM "$pid"
wait_for 50 grep -q event=draining "$tmp/log"
ok "--health of a service that drains exits 1" axond 1 --health --listen "$address"
ok "and passes its answer on" says err "not ready: HTTP/1.1 503"

done_testing
