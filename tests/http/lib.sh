# shellcheck shell=bash
# lib.sh - start the daemon on a free port, speak HTTP with curl and TAP with the runner. Sourced by t*.sh.
#
#   serve [args]                   start the daemon (ending the one before); sets $base, $address, $pid; log in $tmp/log
#   stop [SIG]                     send SIG (default TERM), wait; sets $exit_status and $stop_seconds
#   req METHOD PATH [BODY|@file] [curl args]   sets $status, $body, $headers
#   want STATUS [JQ-EXPR]          the last reply has this status, and every output of jq is true
#   ok NAME COMMAND...             one test
#   have_ipv6                      the loopback has an address of it
#   skip NAME WHY                  one test that this machine cannot run
#   metric SERIES                  the value of a series in /metrics, written as it stands there; nothing if absent
#   raw CASE [args]                rawsocket/ against the daemon; it says what differs
#   done_testing                   checks the daemons' logs for sanitizer reports, prints the plan, fails if a test has
#
# $slack is the factor for every time limit: 1, or more where the daemon is instrumented and slow.
set -u
: "${BIN:?path of the daemon}"
export LC_ALL=C.UTF-8
for name in "${!AXOND_@}"; do [ "$name" = AXOND_ISA ] || unset "$name"; done
unset name
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
tmp=$(mktemp -d)
pid='' base='' address='' status='' body='' headers='' exit_status='' stop_seconds=''
tests=0 failures=0 daemons=0
slack=${TEST_SLOW:+5}
slack=${slack:-1}

end_all() {
    [ -z "$pid" ] || { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
    rm -rf "$tmp"
}
trap end_all EXIT
trap 'exit 1' INT TERM

# wait_for TENTHS COMMAND...: until it succeeds
wait_for() {
    local tenths=$(($1 * slack))
    shift
    while ! "$@"; do
        tenths=$((tenths - 1))
        [ "$tenths" -gt 0 ] || return 1
        sleep 0.1
    done
}

is_ready() { grep -qE 'event=(not_)?ready' "$tmp/log" || ! kill -0 "$pid" 2>/dev/null; }

serve() {
    [ -z "$pid" ] || stop TERM
    [ ! -e "$tmp/log" ] || mv "$tmp/log" "$tmp/log.$daemons"
    daemons=$((daemons + 1))
    : >"$tmp/log"
    # --log-level debug would hide nothing, but doubles the cost of a request; a test that wants it says so.
    env -u LC_ALL "$BIN" --listen 127.0.0.1:0 "$@" 2>"$tmp/log" &
    pid=$!
    wait_for 300 is_ready
    address=$(sed -n 's/.*event=listening .*address=\([^ ]*\).*/\1/p' "$tmp/log")
    base=http://$address
    if [ -z "$address" ] || ! kill -0 "$pid" 2>/dev/null; then
        echo "Bail out! the daemon did not start: $BIN --listen 127.0.0.1:0 $*"
        sed 's/^/# /' "$tmp/log"
        exit 1
    fi
}

is_gone() { ! kill -0 "$pid" 2>/dev/null; }

stop() {
    local started=$EPOCHREALTIME
    kill -s "${1:-TERM}" "$pid" 2>/dev/null
    wait_for 400 is_gone || kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    exit_status=$?
    # shellcheck disable=SC2034 # for the tests that source this file
    stop_seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }')
    pid=''
}

req() {
    local method=$1 path=$2 payload=()
    shift 2
    if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
        payload=(--data-binary "$1")
        shift
    fi
    [ "$method" != HEAD ] || payload+=(--head)
    : >"$tmp/headers"
    : >"$tmp/body"
    status=$(curl -sS --path-as-is --globoff --noproxy '*' --max-time $((60 * slack)) -o "$tmp/body" -D "$tmp/headers" \
        -w '%{http_code}' -X "$method" "${payload[@]}" "$@" "$base$path" 2>"$tmp/curl")
    body=$(tr -d '\0' <"$tmp/body")
    # shellcheck disable=SC2034 # for the tests that source this file
    headers=$(tr -d '\r' <"$tmp/headers")
}

want() {
    [ "$status" = "$1" ] || return 1
    [ $# -eq 1 ] && return
    printf '%s' "$body" | jq -e "$2" >"$tmp/jq" 2>&1 && ! grep -qE '^(false|null)$' "$tmp/jq"
}

ok() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@"; then
        echo "ok $tests - $name"
        return
    fi
    failures=$((failures + 1))
    echo "not ok $tests - $name"
    printf '# %s\n' "$*"
    [ -z "$status" ] || printf '# status %s %s\n# body %s\n' "$status" "$(cat "$tmp/curl")" "${body:0:400}"
}

skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

have_ipv6() { grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; }

metric() {
    curl -sS --noproxy '*' --max-time $((30 * slack)) "$base/metrics" |
        awk -v series="$1" 'index($0, series " ") == 1 { print $NF }'
}

raw() { python3 -B tests/http/rawsocket --address "$address" --slack "$slack" "$@"; }

clean_log() {
    ! grep -hE 'runtime error|AddressSanitizer|ThreadSanitizer|LeakSanitizer' "$tmp"/log*
}

done_testing() {
    [ -z "$pid" ] || stop TERM
    [ ! -e "$tmp/log" ] || ok "the daemon ends well and its log has no sanitizer's report" ended_well
    echo "1..$tests"
    [ "$failures" -eq 0 ]
}

# A daemon that a test has killed (exit_status 137) or started in vain has ended as it should.
ended_well() {
    clean_log && [[ ${exit_status:-0} =~ ^(0|2|78|137)$ ]] && return
    echo "# exit status $exit_status"
    tail -n 40 "$tmp/log" | sed 's/^/# /'
    return 1
}
