#!/usr/bin/env bash
# Total deadlines: a client that keeps just alive is cut like one that is silent; a slow honest one is not.
. "$(dirname "$0")/lib.sh"
serve --headers-timeout 1 --body-timeout 1.5 --body-rate-min 100000 --idle-timeout 2.5

ok "headers at ten bytes a second are cut in headers_timeout" raw slow_headers --seconds 1
ok "silence from the start is cut in headers_timeout" raw silent --seconds 1
ok "a kept connection is closed after idle_timeout" raw idle --seconds 2.5
ok "a body at ten bytes a second is cut in body_timeout, with a 408" raw slow_body --seconds 1.5
ok "a slow body above body_rate_min is answered" raw steady_body --seconds 1.5 --bytes 600000
for reason in headers_timeout idle_timeout body_timeout; do
    ok "$reason is counted" [ "$(metric "axond_http_rejected_total{reason=\"$reason\"}")" -ge 1 ]
done
ok "a client that does not read its reply is cut" raw slow_reader --seconds 1.5
ok "a reply that nobody took counts as 499, with the bytes that were taken" raw unread_reply --seconds 1.5
ok "what was left in the kernel's buffers has a reason of its own" raw untaken_reply
ok "so is one that reads fast at first and then not at all" raw silent_reader --seconds 1.5 --bytes 3000000
stop TERM

serve --headers-timeout 3 --body-timeout 3
ok "a process that stood still cuts nobody for that" raw stopped --pid "$pid" --seconds 3
stop TERM

serve --headers-timeout 1 --body-timeout 1.5 --body-rate-min 100000 --bodies-bytes-max 4M
ok "an upload that falls silent is a 408 after body_timeout, and its memory is free" raw silent_body --seconds 1.5 --bytes 3000000
stop TERM

serve
ok "600 slow clients do not slow a healthy one down" raw many_slow --count 600
done_testing
