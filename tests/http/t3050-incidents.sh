#!/usr/bin/env bash
# Drift on the digits model, over HTTP: six incidents that cost accuracy raise an alert, four that do not are silent, and
# so are 200 windows of unchanged traffic. incidents.py has them, and the rule of the alert.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base and tmp
. "$(dirname "$0")/lib.sh"

client() { python3 -B tests/http/incidents.py "${base:--}" "$@"; }

# Each line of the client is a test.
relay() {
    local line
    client "$1" >"$tmp/lines" || true
    while IFS= read -r line; do ok "${line#*- }" [ "${line%% - *}" = ok ]; done <"$tmp/lines"
    ok "$1: all were tried" [ "$(wc -l <"$tmp/lines")" = "$2" ]
}

mkdir "$tmp/models" && cp -r configs/models/digits "$tmp/models"
client rows >"$tmp/rows.npy"
client labels >"$tmp/labels.npy"
make_baseline() { "$BIN" baseline digits --models "$tmp/models" --labels "$tmp/labels.npy" <"$tmp/rows.npy" >"$tmp/said"; }
ok "a baseline of 300 rows that training never saw" make_baseline
sed 's/^/# /' "$tmp/said"

serve --models "$tmp/models" --neuron-window 1s
relay incidents 28
relay unchanged 2

done_testing
