#!/usr/bin/env bash
# A real Prometheus, with our configuration and rules, against the live daemon: it scrapes, every rule evaluates, and
# every query of the Grafana dashboard answers, with data.
. "$(dirname "$0")/lib.sh"

command -v prometheus >/dev/null || { echo "1..0 # SKIP prometheus is not installed (.ci/deps test)"; exit 0; }

serve --models configs/models
mkdir "$tmp/prometheus"
cp configs/prometheus/*.yml "$tmp/prometheus/"
# The same files, but for the address and the pace.
sed -i -E -e "s|axond:8000|$address|" -e 's/^( *(scrape_interval|scrape_timeout|evaluation_interval)): .*/\1: 1s/' \
    "$tmp/prometheus/prometheus.yml"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

prometheus=
stop_prometheus() {
    [ -z "$prometheus" ] || { kill "$prometheus" && wait "$prometheus"; } 2>/dev/null
    prometheus=
}
trap 'stop_prometheus; end_all' EXIT

start_prometheus() {
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

# within SECONDS COMMAND...: repeat until it succeeds, with traffic to watch
within() {
    local deadline=$((SECONDS + $1 * slack))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        traffic
        sleep 0.5
    done
}

traffic() {
    curl -sS -o "$tmp/answer" "$base/v1/models/digits:predict" --data-binary @configs/examples/digit.json
    curl -sS -o "$tmp/answer" "$base/v1/activations/relu" -d '{"data": [-1, 2]}'
}

scraped() { [ "$(value 'up{job="axond"}')" = 1 ]; }
is_positive() { value "$1" | jq -e '. > 0' >/dev/null; }

# Every rule has been evaluated, without an error.
rules_are_sound() {
    curl -sS "$watch/api/v1/rules" >"$tmp/rules"
    jq -e '[.data.groups[].rules[]] | length > 10 and all(.health == "ok")' "$tmp/rules" >/dev/null
}

no_alert() {
    jq -e '[.data.groups[].rules[] | select(.type == "alerting" and .state != "inactive")] == []' "$tmp/rules" >/dev/null
}

dashboard_answers() {
    python3 tests/lint/dashboard.py answers configs/grafana/dashboards/axond.json "$watch" >"$tmp/faults"
}

ok "Prometheus starts with our configuration" start_prometheus
ok "it scrapes the daemon" within 20 scraped
ok "the dead-ReLU ratio of both hidden layers arrives, in both windows" \
    within 20 is_positive 'count(axond_dead_relu_ratio{model="digits"}) == 4'
ok "rates follow traffic" within 20 is_positive 'job_model:axond_inference_rows:rate5m{model="digits"}'
ok "quantiles of the latency are recorded" \
    within 20 is_positive 'job_route:axond_http_request_duration_seconds:p99_rate5m{route="/v1/models/{model}:predict"}'
ok "every rule evaluates" within 20 rules_are_sound
ok "no alert on a healthy daemon" no_alert
ok "every query of the dashboard answers, with data" within 20 dashboard_answers
sed 's/^/# /' "$tmp/faults"

stop
is_pending() {
    curl -sS "$watch/api/v1/alerts" | jq -e --arg name "$1" '.data.alerts | any(.labels.alertname == $name)' >/dev/null
}
ok "AxondDown is on its way when the daemon has gone" wait_for 200 is_pending AxondDown
done_testing
