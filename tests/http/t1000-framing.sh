#!/usr/bin/env bash
# Bytes that two servers could read differently are refused once, and what hides behind them is never answered.
. "$(dirname "$0")/lib.sh"
serve

ok "what the standard allows is answered, and the connection goes on" raw accepted
ok "each malformed or ambiguous request: one refusal, then the close" raw framing
ok "a request may come in any pieces" raw pieces
ok "pipelined requests are answered in order" raw pipelined
ok "a good request id is echoed, a bad one replaced, made ones are unique" raw request_ids
ok "refusals of the gate are counted" [ "$(metric 'axond_http_rejected_total{reason="framing"}')" -ge 10 ]
ok "refusals of the parser are counted" [ "$(metric 'axond_http_rejected_total{reason="parser"}')" -ge 5 ]

req GET '/v1/activations/"relu"' -H 'X-Request-Id: mine'
ok "a refusal reads like every other error" want 400 '.code == "bad_request" and (.error | contains("byte 16"))'
ok "it carries the request id" grep -qi '^x-request-id: mine$' <<<"$headers"
ok "it closes the connection" grep -qi '^connection: close$' <<<"$headers"
ok "nothing is in flight in the end" [ "$(metric axond_http_requests_in_flight)" = 1 ]
done_testing
