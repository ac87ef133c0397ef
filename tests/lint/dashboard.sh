#!/usr/bin/env bash
# Whoever watches axond is right: Prometheus's configuration, rules and alerts, Grafana's dashboard, the compose file.
# Metrics and their labels are those of server/metrics/metrics.def; queries are parsed by promtool.
. "$(dirname "$0")/lib.bash"

prometheus=configs/prometheus
dashboard=configs/grafana/dashboards/axond.json
tests=(tests/lint/alerts.yml tests/lint/alerts_neurons.yml)
watched() { python3 tests/lint/dashboard.py "$@"; }

# promtool tells its successes on standard output: only a failure is an offender.
promtool_accepts() {
    local out
    out=$(promtool "$@" 2>&1) || printf '%s\n' "$out"
}

queries_parse() {
    local rules status
    rules=$(mktemp) || return
    watched queries "$dashboard" >"$rules" && promtool_accepts check rules "$rules"
    status=$?
    rm -f "$rules"
    return "$status"
}

check "promtool accepts prometheus.yml" promtool_accepts check config $prometheus/prometheus.yml
check "promtool accepts the rules" promtool_accepts check rules $prometheus/rules.yml
check "alerts fire on their symptom and not before" promtool_accepts test rules "${tests[@]}"
check "every query of the dashboard parses" queries_parse
check "the dashboard names metrics and labels that exist" watched metrics "$dashboard"
check "the rules name metrics, labels and records that exist" watched metrics $prometheus/rules.yml
for file in "${tests[@]}"; do
    check "the tests of the rules name metrics and labels that exist: ${file##*/}" watched metrics "$file"
done
check "every alert says for how long, how bad, what, and what to do" watched alerts $prometheus/rules.yml $prometheus/README.md
check "every alert has a test that sees it fire" watched tested $prometheus/rules.yml "${tests[@]}"
check "panels have a unit, a description, a place and the chosen data source" watched panels "$dashboard"
check "compose: images are pinned, what is mounted exists, nothing is published beyond this machine" \
    watched compose docker/compose.yaml $prometheus/prometheus.yml
finish
