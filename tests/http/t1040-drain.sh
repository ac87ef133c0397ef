#!/usr/bin/env bash
# SIGTERM: what was accepted is answered, whoever is idle is let go, nothing new comes in, exit 0.
. "$(dirname "$0")/lib.sh"

serve
stop TERM
ok "an idle daemon ends at once (${stop_seconds} s)" awk -v s="$stop_seconds" -v k="$slack" 'BEGIN { exit !(s < 10 * k) }'
ok "with exit 0" [ "$exit_status" = 0 ]

serve
stop INT
ok "SIGINT does the same" [ "$exit_status" = 0 ]

serve --drain-timeout 20
ok "an upload under way is finished and answered, new connections are refused" raw drain_slow_upload --pid "$pid"
stop TERM
ok "exit 0 after it" [ "$exit_status" = 0 ]

serve --drain-timeout 20
ok "a request line of which a part has come is read to its end and answered" raw drain_half_line --pid "$pid"
stop TERM
ok "exit 0 after it, too" [ "$exit_status" = 0 ]

serve --drain-timeout 20
said=$(raw drain_handshake --pid "$pid")
answered=$?
[ -z "$said" ] || echo "$said"
if [[ $said == *"not tried"* ]]; then
    skip "a handshake that has begun ends, and its client is answered" "this kernel lets no ordinary user filter a socket"
else
    ok "a handshake that has begun ends, and its client is answered" [ "$answered" = 0 ]
fi
stop TERM
ok "exit 0 after that, too" [ "$exit_status" = 0 ]

rounds=20
[ "$slack" = 1 ] || rounds=5
for round in $(seq $rounds); do
    serve --threads $((1 + round % 3))
    ok "round $round: SIGTERM under load loses no reply" raw drain --pid "$pid" --count 8 --seconds 0.3
    stop TERM
    ok "round $round: exit 0" [ "$exit_status" = 0 ]
done

cut_by() { # SECOND-SIGNAL-OR-TIMEOUT
    : >"$tmp/hang" # what the last one said must not count
    python3 -B tests/http/rawsocket --address "$address" hang >>"$tmp/hang" &
    hang=$!
    wait_for 50 grep -q holding "$tmp/hang"
    kill -TERM "$pid"
    [ -z "$1" ] || { wait_for 100 grep -q event=draining "$tmp/log" && kill -s "$1" "$pid"; }
    stop 0
    wait "$hang"
    [ "$exit_status" -le 1 ] && grep -q 'event=drain_cut connections=1' "$tmp/log"
}
serve --drain-timeout 1
ok "after drain_timeout the rest is cut, and logged" cut_by ''
serve --drain-timeout 60
ok "a second SIGTERM cuts at once, and logs it" cut_by TERM
ok "in well under the timeout (${stop_seconds} s)" awk -v s="$stop_seconds" -v k="$slack" 'BEGIN { exit !(s < 20 * k) }'
exit_status=0 # of a daemon that had to cut: whatever main says
done_testing
