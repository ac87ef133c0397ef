#!/usr/bin/env bash
# --hosts: pages of other sites, by their own name (DNS rebinding) or by a form, are kept out.
. "$(dirname "$0")/lib.sh"

serve --hosts 'example.com,*.example.org,127.0.0.1'
req GET /v1/activations/relu
ok "a host of the list is served" want 200
req GET /v1/activations/relu -H 'Host: Example.com:8000'
ok "whatever its port and case" want 200
req GET /v1/activations/relu -H 'Host: a.b.example.org'
ok "and what is below a name" want 200
for host in evil.example.net example.com.evil.net localhost '[::1]' ''; do
    req GET /v1/activations/relu -H "Host;" -H "Host: $host"
    ok "another is not: '$host'" want 421 '.code == "wrong_host" and (.error | contains("hosts"))'
done
req GET /v1/nothing -H 'Host: evil.example.net'
ok "not even to learn what there is" want 421
req POST /v1/activations/relu '{"data":[1]}' -H 'Host: evil.example.net'
ok "POST is the same" want 421
req POST /v1/activations/relu '{"data":[1]}' -H 'Origin: https://evil.example.net' -H 'Content-Type: text/plain'
ok "a form of another site is refused" want 403 '.code == "cross_site" and (.error | contains("evil.example.net"))'
req POST /v1/activations/relu '{"data":[1]}' -H 'Origin: null'
ok "and one that hides its site" want 403
req POST /v1/activations/relu '{"data":[1]}' -H 'Origin: http://example.com:8000'
ok "a page of ours is served" want 200
req GET /v2/health/ready -H 'Host: 10.1.2.3:8000'
ok "probes ask by any name" want 200
ok "the loopback is no reason to warn" [ -z "$(grep level=warn "$tmp/log")" ]
stop TERM

serve
req GET /v1/activations/relu -H 'Host: anything.example.net'
ok "without the option any host is served" want 200
stop TERM

opened() { # OPTIONS...
    serve "$@"
    stop TERM
    grep -c 'level=warn event=open_to_the_network' "$tmp/log"
}
ok "who listens on all addresses is warned" [ "$(opened --listen 0.0.0.0:0)" = 1 ]
ok "not if hosts are named" [ "$(opened --listen 0.0.0.0:0 --hosts example.com)" = 0 ]
bad_list() { ! "$BIN" --hosts "$1" 2>"$tmp/second" && grep -q 'hosts.*expected names or addresses' "$tmp/second"; }
ok "a host has no scheme" bad_list http://example.com
ok "nor a port" bad_list example.com:8000
exit_status=0
done_testing
