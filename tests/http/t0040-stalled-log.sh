#!/usr/bin/env bash
# Whoever reads the log stalls: the service answers, reloads and ends all the same, and counts what it had to drop.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

# A pipe that this shell holds open at both ends and reads only when it wants to.
mkfifo "$tmp/pipe"
exec 7<>"$tmp/pipe"
mkdir "$tmp/models"
"$BIN" --listen 127.0.0.1:0 --log-level debug --models "$tmp/models" 2>"$tmp/pipe" &
pid=$!
while IFS= read -r -t $((30 * slack)) -u 7 line; do
    printf '%s\n' "$line" >>"$tmp/log"
    ! is_ready || break
done
address=$(sed -n 's/.*event=listening .*address=\([^ ]*\).*/\1/p' "$tmp/log")
base=http://$address
ok "the daemon is ready" [ -n "$address" ]

req GET /v2/health/ready
ok "while its log is read, nothing is dropped" [ "$(metric axond_log_dropped_total)" = 0 ]

dropped() { [ "$(metric axond_log_dropped_total)" -ge "$1" ]; }
reloaded() { [ "$(metric 'axond_model_ready{model="digits",version="1"}')" = 1 ]; }

# dd has its own O_NONBLOCK: that of the daemon's descriptor stays off.
dd if=/dev/zero of="$tmp/pipe" oflag=nonblock bs=4096 count=1024 2>/dev/null
for _ in $(seq 20); do req POST /v1/activations/relu '{"data": [-1, 2]}'; done
ok "with the pipe full, it answers" want 200 '.data == [0, 2]'
cp -r configs/models/digits "$tmp/models/digits"
kill -HUP "$pid"
ok "and reloads" wait_for 100 reloaded
ok "and counts what it dropped" dropped 1

# The zeros are one line without an end; after them there must be whole lines again.
timeout 2 cat <&7 >"$tmp/read"
before=$(metric axond_log_dropped_total)
kill -HUP "$pid"
sees() { timeout 0.5 cat <&7 >>"$tmp/read"; grep -qa 'event=models_reloaded failed=0' "$tmp/read"; }
ok "once the log is read again, lines come" wait_for 20 sees
ok "and no more are dropped" [ "$(metric axond_log_dropped_total)" = "$before" ]

dd if=/dev/zero of="$tmp/pipe" oflag=nonblock bs=4096 count=1024 2>/dev/null
stop TERM
ok "with the pipe full again, SIGTERM ends it" eval '[ "$exit_status" = 0 ] && [ "${stop_seconds%.*}" -lt $((20 * slack)) ]'
tr '\0' '\n' <"$tmp/read" >>"$tmp/log"
done_testing
