#!/usr/bin/env bash
# A start that cannot be finished ends with one line and exit 1, wherever it failed; a stop is heard while models load.
. "$(dirname "$0")/lib.sh"

# Every thread in turn cannot be started: a user without other processes may have 1, 2, 3 ... of them.
few_threads() { # PROCESSES
    setpriv --reuid=54321 --regid=54321 --clear-groups -- prlimit --nproc="$1" -- \
        "$BIN" --listen 127.0.0.1:0 --threads 3 --models "$tmp/none" 2>"$tmp/log" &
    pid=$!
    wait_for 300 is_ready
    kill -TERM "$pid" 2>/dev/null
    wait "$pid"
    exit_status=$?
    pid=''
}
starts_or_says_why() {
    grep -q event=ready "$tmp/log" && [ "$exit_status" = 0 ] && return
    [ "$exit_status" = 1 ] && [ "$(tail -n1 "$tmp/log" | grep -c 'level=error event=start_failed error=')" = 1 ]
}
mkdir "$tmp/none"
if [ "$slack" = 1 ] && [ "$(id -u)" = 0 ] && command -v setpriv prlimit >/dev/null && chmod 755 "$tmp" && setpriv --reuid=54321 --regid=54321 \
    --clear-groups -- "$BIN" --version >/dev/null 2>&1; then
    failed=0
    for processes in $(seq 1 40); do
        few_threads "$processes"
        ok "with $processes processes allowed it starts, or says why not" starts_or_says_why
        ! grep -q event=ready "$tmp/log" || break
        failed=$((failed + 1))
    done
    ok "each of its threads has failed in turn ($failed starts)" [ "$failed" -ge 6 ]
    ok "in the end it has started" grep -q event=ready "$tmp/log"
else
    skip "threads that cannot be started" "needs root, to be a user without other processes, and no sanitizer"
fi
rm -f "$tmp/log"

# The signal is pending before the first model is looked at, whatever the machine's speed.
stopped_before() {
    python3 - "$BIN" 2>"$tmp/early" <<'PY'
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.argv[1], [sys.argv[1], "--listen", "127.0.0.1:0", "--models", "configs/models"])
PY
}
ok "a stop that comes while models load ends the start with 0" stopped_before
ok "no further model is loaded" [ "$(grep -c event=model_loaded "$tmp/early")" = 0 ]
ok "nor does it listen" [ "$(grep -c event=listening "$tmp/early")" = 0 ]
ok "and says why" grep -q 'event=start_given_up reason=.*stop' "$tmp/early"

# A log that may not grow: lines are lost and counted, nobody is killed.
full_log() {
    (ulimit -f 8 && exec "$BIN" --listen 127.0.0.1:0 --log-level debug 2>"$tmp/log") &
    pid=$!
    wait_for 300 is_ready
    address=$(sed -n 's/.*event=listening .*address=\([^ ]*\).*/\1/p' "$tmp/log")
    base=http://$address
    for _ in $(seq 200); do
        req GET /v2/health/live
    done
    [ "$(stat -c %s "$tmp/log")" = 8192 ]
}
ok "a log that reaches the limit of a file's size stops growing" full_log
ok "the service goes on" want 200
ok "and counts the lines that are lost" [ "$(metric axond_log_dropped_total)" -ge 10 ]
done_testing
