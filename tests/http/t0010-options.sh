#!/usr/bin/env bash
# Options reach the service, from all three sources; logs are what was asked for; starting fails in one clear line.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

# refused STATUS TEXT [args]: the daemon does not start, ends with this status and a line that holds TEXT
refused() {
    local expected=$1 text=$2 got
    shift 2
    timeout $((20 * slack)) "$BIN" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    status=$got body=$(cat "$tmp/err")
    : >"$tmp/curl"
    [ "$got" = "$expected" ] && grep -qF -- "$text" "$tmp/err"
}
threads_are() { grep -q "event=listening .*threads=$1\$" "$tmp/log"; }
logged() { grep -qE -- "$1" "$tmp/log"; }

echo '{"threads": 1, "body_bytes_max": "1k", "log_level": "debug"}' >"$tmp/axond.json"
serve --config "$tmp/axond.json"
ok "the file sets the threads" threads_are 1
export AXOND_THREADS=3
serve --config "$tmp/axond.json"
ok "a variable wins over the file" threads_are 3
serve --config "$tmp/axond.json" --threads=2
ok "a flag wins over the variable" threads_are 2
unset AXOND_THREADS
head -c 1025 /dev/zero | tr '\0' ' ' >"$tmp/long"
req POST /v1/activations/relu "@$tmp/long"
ok "the file's limit holds" want 413 '.code == "body_too_large"'

AXOND_CONFIG=$tmp/axond.json serve
ok "AXOND_CONFIG names the file as well" threads_are 1

AXOND_LISTNE=x AXOND_PORT=tcp://10.0.0.1:8000 AXOND_SERVICE_HOST=10.0.0.1 serve
ok "a variable that is no option is told with the nearest" \
    logged 'level=warn event=unknown_variable variable="AXOND_LISTNE: .*did you mean .*AXOND_LISTEN'
ok "but not what Kubernetes puts there" eval '! logged "AXOND_PORT|AXOND_SERVICE"'

serve
line_form='^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z level=(debug|info|warn|error) event=[a-z_]+( [a-z_]+=("([^"\\]|\\.)*"|[^ "=]+))*$'
ok "every line of the log is key=value" eval '[ -s "$tmp/log" ] && ! grep -qvE "$line_form" "$tmp/log"'
ok "ready comes after listening, with the seconds it took" \
    eval 'sed -n "/event=listening/,\$p" "$tmp/log" | grep -qE "event=ready seconds=[0-9.]+$"'
stop

# The port is known from lib.sh's serve in logfmt only, so this one starts by hand.
"$BIN" --listen 127.0.0.1:0 --log-format json 2>"$tmp/json" &
pid=$!
wait_for 100 grep -q '"event":"ready"' "$tmp/json"
stop
ok "with --log-format json every line is an object" \
    eval 'jq -es "all(.ts and .level and .event) and any(.event == \"ready\")" "$tmp/json" >/dev/null'
# It says nothing, so its port is one that was free a moment ago.
"$BIN" --listen "$address" --log-level error 2>"$tmp/quiet" &
pid=$!
wait_for 300 "$BIN" --health --listen "$address"
stop
ok "with --log-level error a good start and end are silent" eval '[ ! -s "$tmp/quiet" ] && [ "$exit_status" = 0 ]'

own=127.0.0.1:0
if have_ipv6; then
    own='[::1]:0'
    serve --listen "$own"
    req GET /v2/health/ready
    ok "an IPv6 address serves" want 200
else
    skip "an IPv6 address serves" "no IPv6 on the loopback"
    serve
fi
taken=$address
ok "a port in use exits 1 and is named" refused 1 "$taken: Address already in use" --listen "$taken"
ok "in one line that is an error" eval '[ "$(grep -c level=error "$tmp/err")" = 1 ]'
ok "an address that is not ours exits 1" refused 1 "192.0.2.1:8000: Cannot assign requested address" --listen 192.0.2.1:8000
ok "an address that is none exits 2" refused 2 "expected ADDRESS:PORT" --listen localhost
serve --listen localhost:0
ok "localhost is the loopback address" eval '[ "${address%:*}" = 127.0.0.1 ]'
serve --listen :0
every=${address##*:}
ok "an address that is left out is every address" eval 'curl -sS --noproxy "*" "http://127.0.0.1:$every/v2/health/live" | grep -q live'
ok "--health asks it on loopback" "$BIN" --health --listen ":$every"
AXOND_REQUEST_TIMEOUT=1500ms serve --body-timeout 2m
ok "times take units" eval '! logged "level=error"'
serve --listen "$own"
taken=$address
ok "the one that serves is undisturbed" eval 'req GET /v2/health/ready && want 200'

cd "$tmp" || exit 1
case $BIN in /*) ;; *) BIN=$OLDPWD/$BIN ;; esac
serve
req GET /v1/models
ok "elsewhere, without models, it serves activations" want 200 '.models == []'
req POST /v1/activations/relu '{"data": [-1, 2]}'
ok "as ever" want 200 '.data == [0, 2]'
mkdir -p configs/models
serve
ok "configs/models below the current folder is found" eval '! logged level=error'
cd "$OLDPWD" || exit 1

# A hardened container: no standard input, read-only root, not root, no home.
serve <&-
req GET /v2/health/ready
ok "closed standard input does not matter" want 200
stop
"$BIN" --listen "$address" --config "$tmp/axond.json" <&- >&- 2>&- &
pid=$!
ok "nor do closed streams at all" wait_for 300 "$BIN" --health --listen "$address"
stop
ok "and it ends well" [ "$exit_status" = 0 ]

print_config_is_the_example() {
    env -u AXOND_ISA "$BIN" --print-config | diff - configs/axond.json &&
        env -u AXOND_ISA "$BIN" --config configs/axond.json --print-config | diff - configs/axond.json
}
ok "configs/axond.json holds every option at its default, and is read" print_config_is_the_example

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    cp "$BIN" "$tmp/axond" && chmod 755 "$tmp" "$tmp/axond" && cp -r configs/models "$tmp/repository"
    chmod -R a+rX "$tmp/repository"
    BIN=$tmp/as-nobody
    printf '#!/bin/sh\nexec env -i PATH="$PATH" ASAN_OPTIONS="$ASAN_OPTIONS" TSAN_OPTIONS="$TSAN_OPTIONS" %s\n' \
        "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --no-new-privs $tmp/axond \"\$@\"" >"$BIN"
    chmod 755 "$BIN"
    serve --models "$tmp/repository"
    req POST /v1/models/digits:predict @configs/examples/digit.json
    ok "it serves as nobody, without capabilities, environment or home" want 200
else
    skip "it serves as nobody" "needs root and setpriv"
fi

done_testing
