#!/usr/bin/env bash
# Signals: SIGTERM and SIGINT drain, a second one cuts, SIGHUP reloads, SIGPIPE is nothing; also as PID 1.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

logged() { grep -qE -- "$1" "$tmp/log"; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

# bash starts a script's background jobs with SIGINT ignored: the daemon must hear it all the same.
for signal in TERM INT; do
    serve
    stop "$signal"
    ok "SIG$signal ends an idle service with 0" [ "$exit_status" = 0 ]
    ok "at once" below "$stop_seconds" "$((10 * slack))"
    ok "and says that nothing was cut" logged 'event=drained connections_cut=0 '
    ok "and that it has stopped" eval '[ "$(tail -n1 "$tmp/log" | grep -c "event=stopped uptime_seconds=")" = 1 ]'
done

serve --lame-duck 30
kill -TERM "$pid"
wait_for 50 logged event=draining
req GET /v2/health/ready
ok "while it is a lame duck, readiness is 503" want 503 '.code == "draining"'
req GET /v2/health/live
ok "it lives" want 200
req POST /v1/activations/relu '{"data": [-1, 2]}'
ok "and it answers" want 200 '.data == [0, 2]'
stop TERM
ok "a second signal ends the lame duck" eval '[ "$exit_status" = 0 ] && below "$stop_seconds" "$((10 * slack))"'

# A request that never ends: its headers promise more than comes.
slow_request() {
    exec 5<>"/dev/tcp/${address%:*}/${address##*:}"
    printf 'POST /v1/activations/relu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{' >&5
    wait_for 100 in_flight
}
in_flight() { [ "$(metric axond_http_requests_in_flight)" = 2 ]; } # it, and the one that asks
serve --drain-timeout 20
slow_request
kill -TERM "$pid"
wait_for 50 logged event=draining
sleep 0.5
ok "a drain waits for a request that is under way" kill -0 "$pid"
stop TERM
exec 5>&-
ok "a second SIGTERM cuts it" below "$stop_seconds" "$((10 * slack))"
ok "and the log tells how many" logged 'level=warn event=drained connections_cut=1 '
ok "the end is an orderly one" [ "$exit_status" = 0 ]

serve --drain-timeout 1
slow_request
stop TERM
exec 5>&-
ok "the drain's time limit cuts as well" logged 'event=drained connections_cut=1 '
ok "after that time" eval 'below 0.8 "$stop_seconds" && below "$stop_seconds" "$((15 * slack))"'

mkdir "$tmp/models"
serve --models "$tmp/models"
cp -r configs/models/digits "$tmp/models/digits"
kill -HUP "$pid"
wait_for 100 logged 'event=model_loaded model=digits'
req POST /v1/models/digits:predict @configs/examples/digit.json
ok "SIGHUP loads what is new" want 200
kill -PIPE "$pid"
kill -HUP "$pid"
kill -HUP "$pid"
req GET /v2/health/ready
ok "SIGPIPE and many SIGHUPs do no harm" want 200
stop

# Signals that come while another is being handled: none may fall to its default action.
serve --models "$tmp/models"
for _ in $(seq 300); do kill -HUP "$pid"; done
req GET /v2/health/ready
ok "a storm of SIGHUPs is survived" want 200
stop
ok "and the drain after it" [ "$exit_status" = 0 ]
serve --models "$tmp/models" --lame-duck 1
kill -TERM "$pid"
for _ in $(seq 50); do kill -HUP "$pid" 2>/dev/null; done
wait "$pid"
exit_status=$?
ok "SIGHUPs while draining change nothing" eval '[ "$exit_status" = 0 ] && logged event=stopped'

# SIGHUP reads the options anew, from the same file, variables and flags.
echo '{"log_level": "warn", "threads": 1}' >"$tmp/axond.json"
serve --config "$tmp/axond.json" --models "$tmp/models" --log-level info
wait_for 100 logged event=ready
echo '{"log_level": "debug", "threads": 2}' >"$tmp/axond.json"
kill -HUP "$pid"
wait_for 100 logged event=models_reloaded
ok "a flag still wins over the file" eval '! logged event=log_level'
ok "an option that needs a restart is named" logged 'level=warn event=option_needs_restart option=threads'
stop
echo '{"log_level": "info"}' >"$tmp/axond.json"
serve --config "$tmp/axond.json" --models "$tmp/models"
req GET /v2/health/live
ok "at info no request is logged" eval '! logged event=request'
echo '{"log_level": "debug"}' >"$tmp/axond.json"
kill -HUP "$pid"
wait_for 100 logged event=log_level
req GET /v2/health/live
ok "after SIGHUP at debug every request is" wait_for 100 logged 'event=request .*route=/v2/health/live'
echo '{"log_level": "lwo"}' >"$tmp/axond.json"
kill -HUP "$pid"
ok "a file that is wrong changes nothing and is told" wait_for 100 logged 'level=error event=options_not_reread error=".*log_level: expected one of'
req GET /v2/health/ready
ok "the service goes on" want 200
stop

mkdir "$tmp/many"
serve --models "$tmp/many"
for i in $(seq 64); do cp -r configs/models/digits "$tmp/many/digits$i"; done
kill -HUP "$pid"
stop TERM
ok "SIGTERM does not wait for a reload of many models" logged 'event=models_not_reloaded .*the service is to stop'
ok "and drains" eval '[ "$exit_status" = 0 ] && logged event=stopped'

# As PID 1 the kernel delivers only what is waited for or handled.
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    : >"$tmp/log" # what the last daemon said must not count
    unshare --pid --fork --mount-proc --kill-child "$BIN" --listen 127.0.0.1:0 2>"$tmp/log" &
    outer=$!
    wait_for 100 logged event=ready
    inner=$(pgrep -P "$outer")
    [ "$(awk '/^NSpid/ { print $NF }' "/proc/$inner/status")" = 1 ] || inner=
    kill -TERM "$inner"
    wait "$outer"
    exit_status=$?
    ok "as PID 1 of a container it drains on SIGTERM" eval '[ "$exit_status" = 0 ] && logged event=stopped'
else
    skip "as PID 1 of a container" "needs unshare and its privilege"
fi

done_testing
