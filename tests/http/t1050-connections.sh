#!/usr/bin/env bash
# How many connections: in all, per address, and with few descriptors; ports and addresses; no delay on small replies.
. "$(dirname "$0")/lib.sh"

serve --connections-max 16
ok "beyond connections_max: 503 first, then a close; and back" raw too_many --limit 16
ok "they are counted" [ "$(metric 'axond_http_rejected_total{reason="connections"}')" -ge 2 ]
stop TERM

serve --connections-per-address-max 12
ok "beyond connections_per_address_max only that address is refused" raw per_address --limit 12
counted() { [ "$(metric 'axond_http_rejected_total{reason="connections_per_address"}')" -ge 1 ]; }
ok "it is counted" wait_for 100 counted
warned_of() {
    local n
    n=$(grep -c 'level=warn event=connections_refused limit=connections_per_address_max client=127.0.0.1' "$tmp/log")
    [ "$n" -ge 1 ] && [ "$n" -le 20 ]
}
ok "and warned of, but not each time" warned_of
stop TERM

serve --connections-per-address-max 12 --trusted-proxy 127.0.0.3,10.0.0.0/8 --access-log
ok "behind a trusted proxy each client has a limit of its own" raw proxy --limit 12
ok "the log tells the client, and the proxy" grep -q 'event=request .*client=203.0.113.9 proxy=127.0.0.3:' "$tmp/log"
ok "who is not trusted is told as it is" grep -q 'event=request .*client=127.0.0.1:' "$tmp/log"
stop TERM
serve --trusted-proxy 127.0.0.1 --trusted-proxy-header forwarded --access-log
req GET /v2/health/live -H 'Forwarded: for="[2001:db8::1]:4711"' -H 'X-Forwarded-For: 203.0.113.9'
ok "where the proxy's header is named the other is not read" want 200
ok "and the log has its client" grep -q 'client=2001:db8::1 ' "$tmp/log"
not_a_list() { ! "$BIN" --trusted-proxy "$1" 2>"$tmp/second" && grep -q 'trusted.proxy.*expected addresses or networks' "$tmp/second"; }
ok "a proxy is an address or a network" not_a_list proxy.example.com
ok "without bits beyond its prefix" not_a_list 10.0.0.1/8
stop TERM

serve
ok "small replies are not delayed" raw latency
host=${address%:*} port=${address##*:}
second_one() {
    ! "$BIN" --listen "$address" 2>"$tmp/second" && grep -q "$address: Address already in use" "$tmp/second"
}
ok "a port in use is one clear line" second_one
ok "the log tells the real port" [ "$port" -gt 0 ]
stop TERM
"$BIN" --listen "$host:$port" 2>"$tmp/again" &
pid=$!
listening() { grep -q "event=listening address=$host:$port" "$tmp/again"; }
ok "the port can be used again at once" wait_for 50 listening
stop TERM

if have_ipv6; then
    serve --listen '[::1]:0'
    req GET /v1/activations/relu
    ok "IPv6" want 200
    ok "written with brackets" [ "${address%:*}" = '[::1]' ]
else
    skip "IPv6" "no IPv6 on the loopback"
fi

(ulimit -n 40 && exec "$BIN" --listen 127.0.0.1:0 2>"$tmp/few") &
few=$!
started() { grep -q event=ready "$tmp/few"; }
ok "with 40 descriptors it starts" wait_for 100 started
address=$(sed -n 's/.*event=listening .*address=\([^ ]*\).*/\1/p' "$tmp/few")
ok "says so" grep -q 'level=warn event=connections_limited' "$tmp/few"
ok "and survives 200 connections at once, three times" raw flood
kill -TERM "$few"
wait "$few"
ok "and ends well" [ $? = 0 ]
ok "without an error" [ "$(grep -cE 'level=error|Sanitizer|runtime error' "$tmp/few")" = 0 ]
done_testing
