#!/usr/bin/env bash
# Bytes that two servers could read differently are refused once, and a request that hides in them is never answered.
. "$(dirname "$0")/lib.sh"
serve

ok "what the standard allows is answered, and the connection goes on" raw accepted
ok "each malformed or ambiguous request: one refusal, then the close" raw framing
ok "a request may come in any pieces" raw pieces --limit 16384
ok "pipelined requests are answered in order" raw pipelined
ok "a good request id is echoed, a bad one replaced, made ones are unique" raw request_ids
ok "refusals of the gate are counted" [ "$(metric 'axond_http_rejected_total{reason="framing"}')" -ge 10 ]
ok "refusals of the parser are counted" [ "$(metric 'axond_http_rejected_total{reason="parser"}')" -ge 5 ]
ok "each malformed request is in some metric, also where the library closes without a word" raw refusals_counted

req GET '/v1/activations/"relu"' -H 'X-Request-Id: mine'
ok "a refusal reads like every other error" want 400 '.code == "bad_request" and (.error | contains("byte 16"))'
ok "it carries the request id" grep -qi '^x-request-id: mine$' <<<"$headers"
ok "it closes the connection" grep -qi '^connection: close$' <<<"$headers"
ok "nothing is in flight in the end" [ "$(metric axond_http_requests_in_flight)" = 1 ]
stop TERM

# Chunks: by default served only where the library checks them; the option decides otherwise.
served_by_default() { grep -q 'event=http_library .*chunked_bodies=served' "$tmp/log"; }
serve --chunked-bodies refuse
ok "chunks can be refused: 411 with the reason, whatever is in them" raw chunks_refused
ok "Python reads that refusal, 20 times of 20" raw chunks_of_a_generator --limit 411 --times 20
req POST /v1/activations/relu '{"data":[1,-2]}' -H 'Transfer-Encoding: chunked'
ok "so does curl" want 411 '.code == "length_required"'
serve --chunked-bodies serve
ok "chunks can be served, and malformed ones are refused" raw chunks_served
none_in_flight() { [ "$(metric axond_http_requests_in_flight)" = 1 ]; }
ok "nor is one of them in flight in the end" wait_for 100 none_in_flight
ok "Python's generators are read" raw chunks_of_a_generator --limit 200 --times 5
ok "nothing is in flight after all that" [ "$(metric axond_http_requests_in_flight)" = 1 ]
ok "what clients send wrong is no warning" [ -z "$(grep level=warn "$tmp/log")" ]
serve
if served_by_default; then
    ok "a library that checks chunks serves them" raw chunks_served
    ok "and refuses what is ambiguous" raw chunks_unambiguous
else
    ok "a library that does not check chunks is sent none" raw chunks_refused
fi
done_testing
