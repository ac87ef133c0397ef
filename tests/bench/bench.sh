#!/usr/bin/env bash
# bench.sh - what axond costs beside a bare libmicrohttpd that echoes the same bodies; see README.md. QUICK=1: a minute less.
#
# All servers are up at once and take turns, one round each, so that a slow minute of the machine hits all alike; the
# figures are medians of the rounds, and the ratios are of figures of one run.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${BIN:?the daemon}" "${ECHO:?the yardstick}"
if [ -n "${QUICK:-}" ]; then rounds=3 seconds=1 starts=3; else rounds=7 seconds=5 starts=10; fi
connections=64
names=(echo axond axond-off)
declare -A title=(
    [echo]="bare libmicrohttpd, echo"
    [axond]="axond, digits, 1 row"
    [axond-off]="axond, --neuron-stats off"
)
declare -A pid port

work=$(mktemp -d)
finish() {
    local name
    for name in "${!pid[@]}"; do
        kill "${pid[$name]}" 2>/dev/null || true
        wait "${pid[$name]}" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT

export BODY=$work/body.json
jq -c . configs/examples/digit.json | tr -d '\n' >"$BODY"

# The servers share one core and the load generator has another, where there are two.
if [ "$(nproc)" -ge 2 ]; then on_server=(taskset -c 0) on_client=(taskset -c 1); else on_server=() on_client=(); fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# launch NAME COMMAND...: PORT in its arguments becomes a free port
launch() {
    local name=$1
    port[$name]=$(free_port)
    shift
    "${on_server[@]}" "${@//PORT/${port[$name]}}" >"$work/$name.log" 2>&1 &
    pid[$name]=$!
}

url() {
    case $1 in
    echo) echo "http://127.0.0.1:${port[$1]}/" ;;
    *) echo "http://127.0.0.1:${port[$1]}/v1/models/digits:predict" ;;
    esac
}

# A server that answers wrongly is not worth measuring.
answers() {
    local name=$1 filter='.predictions[0] | index(max) == 2' _
    [ "$name" != echo ] || filter='.instances[0] | length == 64'
    for _ in $(seq 100); do
        curl -sf -m 2 -H 'Content-Type: application/json' --data-binary "@$BODY" "$(url "$name")" 2>/dev/null |
            jq -e "$filter" >/dev/null 2>&1 && return
        sleep 0.05
    done
    echo "bench: $name does not answer as it should:" >&2
    tail -n 5 "$work/$name.log" >&2
    return 1
}

cpu_us() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz * 1e6 }' "/proc/${pid[$1]}/stat"; }

# load NAME CONNECTIONS SECONDS: prints requests/s, server CPU us per request, p50 and p99 in us
load() {
    local before after out
    before=$(cpu_us "$1")
    out=$(timeout $(($3 + 10)) "${on_client[@]}" wrk -t1 "-c$2" "-d${3}s" --latency -s tests/bench/post.lua "$(url "$1")")
    after=$(cpu_us "$1")
    awk -v cpu="$(awk -v a="$before" -v b="$after" 'BEGIN { print b - a }')" '
        $1 == "RESULT" && $2 > 0 && $6 == 0 { printf "%.0f %.2f %d %d\n", $2 / $3 * 1e6, cpu / $2, $4, $5; ok = 1 }
        END { exit !ok }' <<<"$out" || { echo "bench: errors or no answers from $1:" >&2; echo "$out" >&2; return 1; }
}

# median FILE COLUMN
median() { awk -v c="$2" '{ print $c }' "$1" | sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
# row NAME FILE: the medians of one server
row() {
    printf '%-28s %12.0f %16.2f %10.0f %10.0f\n' "${title[$1]}" "$(median "$2" 1)" "$(median "$2" 2)" "$(median "$2" 3)" "$(median "$2" 4)"
}

launch echo "$ECHO" PORT 1
launch axond "$BIN" --models configs/models --threads 1 --listen 127.0.0.1:PORT --log-level warn
launch axond-off "$BIN" --models configs/models --threads 1 --listen 127.0.0.1:PORT --log-level warn --neuron-stats off
# Idle memory is read before the first predict.
for _ in $(seq 100); do
    if "$BIN" --health --listen "127.0.0.1:${port[axond]}" >/dev/null 2>&1; then break; fi
    sleep 0.05
done
rss_kb=$(awk '/^VmRSS/ { print $2 }' "/proc/${pid[axond]}/status")
for name in "${names[@]}"; do answers "$name"; load "$name" $connections 1 >/dev/null; done

printf 'CPU: %s, %d cores; server on core 0, wrk on core 1, 1 server thread each\n' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
printf 'body: one row of 64 numbers, %d bytes; medians of %d interleaved rounds of %d s\n\n' "$(wc -c <"$BODY")" $rounds $seconds

for _ in $(seq $rounds); do
    for name in "${names[@]}"; do
        load "$name" $connections $seconds >>"$work/$name.many"
        load "$name" 1 1 >>"$work/$name.one"
    done
done

printf '%-28s %12s %16s %10s %10s\n' "$connections connections" requests/s "server CPU us/rq" "p50 us" "p99 us"
for name in "${names[@]}"; do row "$name" "$work/$name.many"; done
printf '\n%-28s %12s %16s %10s %10s\n' "1 connection" requests/s "server CPU us/rq" "p50 us" "p99 us"
for name in "${names[@]}"; do row "$name" "$work/$name.one"; done

# ratio of medians: of what, column, numerator, denominator
compare() { ratio "$(median "$work/$3" "$2")" "$(median "$work/$4" "$2")"; }
echo
printf '%-58s %6s   %s\n' "ratio" "" "target"
printf '%-58s %6s   %s\n' "P1 requests/s, axond to echo" "$(compare r 1 axond.many echo.many)" ">= 0.75"
printf '%-58s %6s\n' "   server CPU per request, axond to echo" "$(compare r 2 axond.many echo.many)"
printf '%-58s %6s   %s\n' "P6 requests/s, neuron statistics full to off" "$(compare r 1 axond.many axond-off.many)" ">= 0.97"
printf '%-58s %6s   %s\n' "P7 p50 of one connection, axond to echo" "$(compare r 3 axond.one echo.one)" "<= 1.3"

python3 tests/bench/ready.py $starts "$BIN" --models configs/models --log-level error >"$work/ready"
printf '\n%-58s %6s   %s\n' "P7 start to ready, ms (median of $starts)" "$(median "$work/ready" 1)" "<= 50"
printf '%-58s %6s   %s\n' "P7 idle RSS with the example models, MB" "$(awk -v kb="$rss_kb" 'BEGIN { printf "%.1f", kb / 1024 }')" "<= 20"
