#!/usr/bin/env bash
# The access log: one line per request with what an operator asks of it, and nothing of its payload.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

# logged REQUEST-ID FIELD...: within ten seconds its one line is there and holds every field
has_line() { grep -q "event=request request_id=$1 " "$tmp/log"; }
logged() {
    local id=$1 line field
    shift
    wait_for 100 has_line "$id" || return 1
    line=" $(grep "event=request request_id=$id " "$tmp/log") "
    [ "$(wc -l <<<"$line")" = 1 ] || return 1
    for field; do
        [[ $line =~ \ $field\  ]] || { echo "# no $field in$line" && return 1; }
    done
}

serve
req GET /v2/health/live -H 'X-Request-Id: quiet'
ok "without --access-log no request is logged" eval '! grep -q event=request "$tmp/log"'

trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
seconds='[0-9]+\.[0-9]{9}'
serve --access-log
req POST /v1/models/digits:predict @configs/examples/digit.json -H 'X-Request-Id: one' -H "traceparent: $trace"
ok "a predict is answered" want 200
ok "its line tells model, version and rows" logged one level=info method=POST 'route=/v1/models/\{model\}:predict' status=200 \
    model=digits version=1 rows=1
ok "bytes and durations" logged one "bytes_in=$(stat -c %s configs/examples/digit.json)" "bytes_out=$(stat -c %s "$tmp/body")" \
    "duration=$seconds" "parse=$seconds" "queue=$seconds" "compute=$seconds" "write=$seconds"
ok "client and traceparent" logged one 'client=127\.0\.0\.1:[0-9]+' "traceparent=$trace"
reply=$(sed -n 's/^traceparent: //Ip' <<<"$headers")
ok "the reply is a span of that trace" [ "${reply%-*-*}-${reply##*-}" = 00-4bf92f3577b34da6a3ce929d0e0e4736-01 ]
span=${reply%-*} span=${span##*-}
ok "of its own" eval '[[ $span =~ ^[0-9a-f]{16}$ ]] && [ "$span" != 00f067aa0ba902b7 ]'
ok "which the line tells, too" logged one "span=$span"
ok "and no error" eval '! grep -q "request_id=one .*error_code" "$tmp/log"'

req POST /v1/models/digits:predict '{"instances": [[1, 2, 3]]}' -H 'X-Request-Id: two' -H 'traceparent: 00-secret'
ok "a refused predict is a 400" want 400 '.code == "shape_mismatch"'
ok "its line has the error's code and the model" logged two status=400 error_code=shape_mismatch model=digits rows=0
ok "but no traceparent that is none" eval '! grep -q secret "$tmp/log"'
ok "nor does the reply" eval '! grep -qi ^traceparent <<<"$headers"'
req GET /no/such/path -H 'X-Request-Id: lost' -H "traceparent: $trace" -H 'tracestate: vendor=secret'
ok "a refusal is a span, too" grep -q '^traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-' <<<"$headers"
ok "and its line" logged lost status=404 "traceparent=$trace"
ok "a tracestate is nobody's" eval '! grep -q secret "$tmp/log" && ! grep -qi ^tracestate <<<"$headers"'
for bad in "$trace-01" "${trace/00-4/ff-4}" "${trace^^}" "00-00000000000000000000000000000000-00f067aa0ba902b7-01" \
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"; do
    req GET /v2/health/live -H "traceparent: $bad"
    ok "no trace: $bad" eval '[ "$status" = 200 ] && ! grep -qi ^traceparent <<<"$headers"'
done
req GET /v2/health/live -H "traceparent: $trace" -H "traceparent: $trace"
ok "nor are two" eval '[ "$status" = 200 ] && ! grep -qi ^traceparent <<<"$headers"'
req POST '/v1/models/nobody:predict' '{"instances": [[1]]}' -H 'X-Request-Id: three'
ok "an unknown model is no model" logged three status=404 error_code=unknown_model
ok "of the log" eval '! grep -q "request_id=three .* model=" "$tmp/log"'
req POST /v1/activations/relu '{"data": [-12345]}' -H 'X-Request-Id: four'
ok "an activation has a line" logged four status=200 'route=/v1/activations/\{activation\}'
req GET /no/such/path -H 'X-Request-Id: five'
ok "a path that is not there, too" logged five status=404 route=other error_code=unknown_path
req POST /v1/activations/relu '{' -H 'X-Request-Id: six' -H 'Content-Encoding: br'
ok "and what is refused at the headers" logged six status=501 error_code=unsupported_encoding
ok "no payload is in the log" eval '! grep -q 12345 "$tmp/log"'

done_testing
