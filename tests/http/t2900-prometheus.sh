#!/usr/bin/env bash
# A real Prometheus, with our configuration and rules, against the live daemon: it scrapes, every rule evaluates, and
# every query of the Grafana dashboard answers, with data.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, base and tmp, prometheus.bash watch
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/prometheus.bash"

# The digits with a baseline, so that every panel has something to show.
python3 -B tests/http/planted_faults.py "$tmp" || exit 1
mkdir "$tmp/shown"
mv "$tmp/models/well" "$tmp/shown/digits"
mv "$tmp/models/mild" "$tmp/shown/"
jq -c '. + {set: 0.1}' "$tmp/well.json" >"$tmp/rows.json"
ok "the digits get a baseline" \
    sh -c "'$BIN' baseline digits --models '$tmp/shown' --labels '$tmp/labels.npy' <'$tmp/rows.npy' >'$tmp/said' 2>&1"
serve --models "$tmp/shown"

traffic() {
    curl -sS -o "$tmp/answer" "$base/v1/models/digits:predict" --data-binary "@$tmp/rows.json"
    curl -sS -o "$tmp/answer" "$base/v1/models/mild:predict" --data-binary "@$tmp/mild.json"
    curl -sS -o "$tmp/answer" "$base/v1/activations/relu" -d '{"data": [-1, 2]}'
}

scraped() { [ "$(value 'up{job="axond"}')" = 1 ]; }

# A machine may be slow, whatever the daemon does.
no_alert() {
    jq -e '[.data.groups[].rules[] | select(.type == "alerting" and .state != "inactive" and .name != "AxondLatencyHigh")] == []' "$tmp/rules" >/dev/null
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
