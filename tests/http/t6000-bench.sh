#!/usr/bin/env bash
# The benchmark's harness: one cell for a second. Its figures are not looked at, only that they are there, that a server
# which answers wrongly ends the run, and that nothing is left behind.
. "$(dirname "$0")/lib.sh"

bench=$PWD/tests/bench/harness/bench.py
if ! command -v wrk >/dev/null || ! command -v jq >/dev/null; then
    skip "the benchmark measures a cell" "no wrk"
    done_testing
    exit
fi

measure() { # AXOND
    timeout $((60 * slack)) python3 -B "$bench" --plan smoke --axond "$1" --peers "$tmp/none" --into "$tmp/bench" >"$tmp/out" 2>&1
}

measured() {
    measure "$BIN" || { sed 's/^/# /' "$tmp/out"; return 1; }
    cat "$tmp"/bench/smoke-*.jsonl | jq -es 'map(select(.kind == "load" and .server == "axond")) |
        length == 1 and (.[0] | .requests > 0 and .cpu_us > 0 and .p50_us > 0 and .peak_kb > 0)' >/dev/null
}

# It is ready at once, but serves no model.
mkdir -p "$tmp/www/v2/health" && : >"$tmp/www/v2/health/ready" && : >"$tmp/www/metrics"
cat >"$tmp/impostor" <<END
#!/bin/sh
exec python3 -m http.server --directory "$tmp/www" --bind 127.0.0.1 "\${2#*:}"
END
chmod +x "$tmp/impostor"
refused() {
    ! measure "$tmp/impostor" && grep -q '^bench: axond: /v1/models/digits:predict gave 501' "$tmp/out"
}

nothing_left() { ! pgrep -f -- "$tmp" >/dev/null; }

ok "a cell is measured" measured
ok "nothing runs on after it" nothing_left
ok "a server without the model ends the run" refused
ok "nothing runs on after that" nothing_left
done_testing
