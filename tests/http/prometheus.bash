# shellcheck shell=bash disable=SC1091,SC2154
# prometheus.bash - a real Prometheus with our configuration and rules, which watches the daemon of lib.sh. Sourced by t29*.sh, after
# lib.sh; skips the whole test where there is no Prometheus.
#
#   start_prometheus [SED-EXPRESSION]   at the pace of a second; the expression edits rules.yml, for a test that cannot wait
#   stop_prometheus
#   value QUERY                         of its first series; nothing if there is none
#   within SECONDS COMMAND...           repeat until it succeeds, with `traffic` (the test's own) in between
#   is_positive QUERY
#   rules_are_sound                     every rule has been evaluated, without an error; $tmp/rules has them
command -v prometheus >/dev/null || { echo "1..0 # SKIP prometheus is not installed (.ci/deps test)"; exit 0; }

prometheus='' watch=''
stop_prometheus() {
    [ -z "$prometheus" ] || { kill "$prometheus" && wait "$prometheus"; } 2>/dev/null
    prometheus=
}
trap 'stop_prometheus; end_all' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_prometheus() {
    mkdir -p "$tmp/prometheus"
    cp configs/prometheus/*.yml "$tmp/prometheus/"
    # The same files, but for the address and the pace.
    sed -i -E -e "s|axond:8000|$address|" -e 's/^( *(scrape_interval|scrape_timeout|evaluation_interval)): .*/\1: 1s/' \
        "$tmp/prometheus/prometheus.yml"
    sed -i -E -e "${1:-}" "$tmp/prometheus/rules.yml"
    for _ in 1 2 3; do # another may take the port between the look and the start
        watch=http://127.0.0.1:$(free_port)
        prometheus --config.file="$tmp/prometheus/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
            --web.listen-address="${watch#http://}" --log.level=warn >"$tmp/prometheus.log" 2>&1 &
        prometheus=$!
        for _ in $(seq 100); do
            curl -sf -o "$tmp/ready" "$watch/-/ready" && return 0
            kill -0 "$prometheus" 2>/dev/null || break
            sleep 0.1
        done
        stop_prometheus
    done
    sed 's/^/# /' "$tmp/prometheus.log"
    return 1
}

query() { curl -sS "$watch/api/v1/query" --data-urlencode "query=$1"; }
value() { query "$1" | jq -r '.data.result[0].value[1] // empty'; }
is_positive() { value "$1" | jq -e '. > 0' >/dev/null; }

within() {
    local deadline=$((SECONDS + $1 * slack))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        traffic
        sleep 0.5
    done
}

rules_are_sound() {
    curl -sS "$watch/api/v1/rules" >"$tmp/rules"
    jq -e '[.data.groups[].rules[]] | length > 10 and all(.health == "ok")' "$tmp/rules" >/dev/null
}
