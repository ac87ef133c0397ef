#!/usr/bin/env bash
# Counts are exact: 64 connections, 1 to 256 rows a request, NaN and overflows among them, requests that wait for company, clients that
# leave, new versions and changed weights, readers of every figure; and then each figure is what doubles make of the rows answered.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, pid and tmp
. "$(dirname "$0")/lib.sh"

# exact WHAT ACTIVATIONS WINDOW OPTIONS...
exact() {
    local what=$1 activations=$2 window=$3
    shift 3
    rm -rf "$tmp/models"
    python3 -B tests/http/exact_clients.py "$activations" models "$tmp"
    serve --models "$tmp/models" --neuron-window "$window" --neuron-rows-min 40 --request-timeout 10m "$@"
    ok "$what: every figure is that of the rows that were answered" \
        python3 -B tests/http/exact_clients.py "$activations" run "$tmp" "$address" "$pid" "$tmp/log" "$window"s
}

# In a window of a second parts close all the time.
exact "parts of a window that slides" relu,tanh,silu 1 --threads 2
exact "parts, and relu alone" relu,relu,relu 1 --threads 2
# In a window of a day all rows are still there at the end.
exact "short requests are computed where they arrive" relu,relu,relu 86400 --threads 4
exact "all are the workers'" relu,relu,relu 86400 --threads 3 --inline-us-max 0
exact "all are the workers', of curves" relu,tanh,silu 86400 --threads 4 --inline-us-max 0
done_testing
