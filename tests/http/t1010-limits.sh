#!/usr/bin/env bash
# Sizes: headers, bodies declared, chunked and in flight together; each refusal names the limit.
. "$(dirname "$0")/lib.sh"
serve --chunked-bodies serve --body-bytes-max 1M --discard-bytes-max 256k --bodies-bytes-max 4M

ok "headers over the limits are refused with 431" raw headers
head -c 1048577 /dev/zero >"$tmp/long"
req POST /v1/activations/relu "@$tmp/long" -H 'Expect:'
ok "a body of one byte too many is a 413 that names the limit" want 413 '.code == "body_too_large" and (.error | contains("1048576"))'
(printf '{"data":[1'; head -c $((1048576 - 12)) /dev/zero | tr '\0' ' '; printf ']}') >"$tmp/full"
req POST /v1/activations/relu "@$tmp/full" -H 'Expect:'
ok "one that fills the limit is read ($(stat -c %s "$tmp/full") bytes)" want 200
req POST /v1/activations/relu "@$tmp/full" -H 'Transfer-Encoding: chunked' -H 'Expect:'
ok "chunked as well" want 200
req POST /v1/activations/relu "@$tmp/long" -H 'Transfer-Encoding: chunked' -H 'Expect:'
ok "chunks are counted: 413" want 413 '.code == "body_too_large"'
ok "chunked without end is answered 413 too" raw chunked_too_long --limit 1048576 --bytes 4000000
ok "bodies that are too long are counted" [ "$(metric 'axond_http_rejected_total{reason="body"}')" -ge 4 ]
ok "long headers are counted" [ "$(metric 'axond_http_rejected_total{reason="headers"}')" -ge 2 ]
serve --headers-bytes-max 64k
ok "a higher limit on headers holds, in any pieces" raw pieces --limit 65536
stop TERM

serve --chunked-bodies serve --body-bytes-max 4M --bodies-bytes-max 4M
ok "all bodies in flight together: 503 with Retry-After, and back" raw bodies_in_flight --limit 4194304
ok "they are counted" [ "$(metric 'axond_http_rejected_total{reason="bodies_in_flight"}')" -ge 1 ]
python3 -c 'print("{\"gradient\":true,\"data\":[" + "1," * 400000 + "1]}")' >"$tmp/expands"
req POST /v1/activations/sigmoid "@$tmp/expands"
ok "a small body that cannot fit with its results and its longest reply is a 413, too" want 413 '.error | contains("bodies_bytes_max")'
python3 -c 'print("{\"data\":[" + "1," * 1900000 + "1]}")' >"$tmp/dense"
req POST /v1/activations/sigmoid "@$tmp/dense" -H 'Transfer-Encoding: chunked' -H 'Expect:'
ok "one whose numbers alone are too much is a 413 that names the limit" want 413 '.error | contains("bodies_bytes_max")'
req POST /v1/activations/sigmoid '{"gradient": true, "data": [1, 1]}'
ok "and leaves nothing behind" want 200 '.gradient | length == 2'
stop TERM

serve --chunked-bodies serve
ok "a promise of 64 MiB costs no memory" raw promises --pid "$pid" --count 200 --bytes 5000000
ok "a million chunks of one byte" raw tiny_chunks --pid "$pid" --count 1000000
ok "clients that leave in the middle are survived" raw leaves --times 20
settled() { [ "$(metric axond_http_connections)" = 1 ] && [ "$(metric axond_http_requests_in_flight)" = 1 ]; }
ok "no connection and no request is left over" wait_for 50 settled
done_testing
