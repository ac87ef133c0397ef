#!/usr/bin/env bash
# gzip and deflate, both ways: bodies that come compressed, replies that go so.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, base, body, headers, status and tmp
. "$(dirname "$0")/lib.sh"

rows=tests/data/digits/heldout.json
gzip -nc $rows >"$tmp/rows.gz"
python3 -B tests/http/encodings.py make "$tmp" $rows

predict() { curl -sS "$@" "$address/v1/models/digits:predict"; }
sum_of() { sha256sum | cut -d' ' -f1; }
serve
want=$(predict --data-binary @$rows | sum_of)

# sent FILE ENCODING: the reply is that of the body as it is
sent() { [ "$(predict --data-binary @"$tmp/$1" -H "Content-Encoding: $2" | sum_of)" = "$want" ]; }
ok "a body may be gzip" sent rows.gz gzip
ok "by its old name, too" sent rows.gz x-gzip
ok "a body may be deflate, in zlib's wrapper" sent rows.zlib deflate
ok "or without it, as some clients send it" sent rows.raw deflate
ok "members of gzip follow one another, as in gzip(1)" sent rows.members gzip
ok "identity is as it is" predict --data-binary @$rows -H 'Content-Encoding: identity' -o "$tmp/identity"

# refused FILE ENCODING STATUS CODE TEXT
refused() {
    req POST /v1/models/digits:predict "@$tmp/$1" -H "Content-Encoding: $2"
    want "$3" ".code == \"$4\" and (.error | contains(\"$5\"))"
}
ok "a truncated stream" refused rows.truncated gzip 400 bad_encoding "in the middle of its stream"
ok "a wrong check sum" refused rows.sum gzip 400 bad_encoding "incorrect data check"
ok "bytes after the stream" refused rows.trailing gzip 400 bad_encoding "the stream ends here, and bytes that follow are none"
ok "the same body twice: JSON after JSON" refused rows.doubled gzip 400 bad_json "expected the end"
ok "deflate that is gzip" refused rows.gz deflate 400 bad_encoding "the deflate body"
ok "no bytes at all" refused rows.empty gzip 400 bad_encoding "ends after 0 bytes"
ok "a coding that is unknown" refused rows.gz br 501 unsupported_encoding "'br' is not supported, send one of gzip, deflate"
ok "and the reply lists those that are known" grep -qix 'Accept-Encoding: gzip, deflate' <<<"$headers"
ok "two codings at once" refused rows.gz 'gzip, gzip' 501 unsupported_encoding "'gzip, gzip'"
twice() {
    req POST /v1/models/digits:predict "@$tmp/rows.gz" -H 'Content-Encoding: gzip' -H 'Content-Encoding: gzip'
    want 501 '.code == "unsupported_encoding"'
}
ok "in two headers, too" twice
ok "the service still answers" sent rows.gz gzip

# 100 MB of blanks in 100 KB, and as many zeros that are numbers.
resident() { awk '/VmHWM/ { print $2 }' "/proc/$pid/status"; }
before=$(resident)
ok "a bomb of JSON" refused bomb.gz gzip 413 body_too_large "stands for more than the 67108864 bytes that are allowed (body_bytes_max)"
ok "took no memory" [ $(($(resident) - before)) -lt $((4096 * slack * (${TEST_SLOW:+20} + 1))) ]
bomb_kept() {
    req POST /v1/activations/relu "@$tmp/bomb.gz" -H 'Content-Type: application/x-npy' -H 'Content-Encoding: gzip'
    want 413 '.code == "body_too_large"'
}
ok "a bomb of a body that is kept" bomb_kept
ok "is told on one connection after the other" [ "$(curl -sS -o /dev/null -w '%{http_code} %{num_connects}\n' -H 'Content-Encoding: gzip' \
    --data-binary @"$tmp/bomb.gz" "$base/v1/models/digits:predict" --next -sS -o /dev/null -w '%{http_code} %{num_connects}\n' \
    --data-binary @$rows "$base/v1/models/digits:predict" | tr '\n' ' ')" = "413 1 200 0 " ]
ok "and counted as too large" [ "$(metric 'axond_http_rejected_total{reason="body"}')" = 3 ]

serve --body-bytes-max 20k
limit() { req POST /v1/models/digits:predict "@$tmp/$1" -H "Content-Encoding: gzip" && want "$2"; }
ok "the limit counts what the bytes stand for" limit rows.gz 413
ok "and not less" limit small.gz 200

# ---- replies ----
serve
# answered CODING ACCEPT-ENCODING CURL-ARGS...: the reply's coding
answered() {
    local coding=$1 accept=$2
    shift 2
    curl -sS -D "$tmp/head" -o "$tmp/reply" -H "Accept-Encoding: $accept" "$@"
    tr -d '\r' <"$tmp/head" >"$tmp/head.lf"
    case $coding in
    gzip | deflate) grep -qx "Content-Encoding: $coding" "$tmp/head.lf" && grep -qE '^Vary: .*Accept-Encoding' "$tmp/head.lf" ;;
    *) ! grep -q '^Content-Encoding' "$tmp/head.lf" ;;
    esac
}
# rows_answered CODING ACCEPT-ENCODING: that of :predict
rows_answered() { answered "$1" "$2" --data-binary @$rows "$base/v1/models/digits:predict"; }
ok "a reply may be gzip" rows_answered gzip gzip
ok "which is the reply" [ "$(gzip -dc <"$tmp/reply" | sum_of)" = "$want" ]
ok "or deflate" rows_answered deflate deflate
ok "in zlib's wrapper" [ "$(python3 -B tests/http/encodings.py zlib <"$tmp/reply" | sum_of)" = "$want" ]
ok "gzip before deflate, never br" rows_answered gzip 'br, deflate, gzip'
ok "gzip;q=0 is none" rows_answered identity 'gzip;q=0'
ok "gzip;q=0 leaves deflate" rows_answered deflate 'gzip;q=0, *'
ok "curl --compressed reads it" [ "$(predict --compressed --data-binary @$rows | sum_of)" = "$want" ]
ok "a short reply is as it is" answered identity gzip -d '{"data": [1]}' "$base/v1/activations/relu"
ok "an error is as it is" answered identity gzip -d "$(printf '%2000s' '{"instances": [')" "$base/v1/models/digits:predict"
ok "without Accept-Encoding nothing of it is there" rows_answered identity ''
no_vary() { ! grep -qi "^Vary" "$tmp/head"; }
ok "not even Vary" no_vary
for path in /metrics /openapi.json /v1/activations /v1/losses /v1/models/digits/neurons /ui/page.js; do
    ok "GET $path" answered gzip 'gzip, deflate, br' "$base$path"
    [ $path = /metrics ] || [ $path = /v1/models/digits/neurons ] ||
        ok "... is what it is without" [ "$(gzip -dc <"$tmp/reply" | sum_of)" = "$(curl -sS "$base$path" | sum_of)" ]
done
gzipped() { curl -sS -H "Accept-Encoding: gzip" "$@"; }
same_length() { gzipped -I "$base/openapi.json" | tr -d '\r' | grep -qx "Content-Length: $(gzipped "$base/openapi.json" | wc -c)"; }
ok "HEAD has GET's length" same_length
etag() { curl -sS -D - -o /dev/null "$@" "$base/ui/page.js" | tr -d '\r' | sed -n 's/^ETag: //p'; }
weak() { [[ $(etag) == W/* ]] && [ "$(etag)" = "$(etag --compressed)" ]; }
ok "an ETag of both is weak" weak
ok "and known either way" [ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Accept-Encoding: gzip' -H "If-None-Match: $(etag)" "$base/ui/page.js")" = 304 ]

# V2: infer alone is compressed, since its clients decode nothing else.
jq -c '{inputs: [{name: "pixels", shape: [(.instances | length), 64], datatype: "FP32", data: .instances}]}' $rows >"$tmp/infer.json"
ok "V2: infer is compressed" answered gzip 'gzip, deflate, br' --data-binary @"$tmp/infer.json" "$base/v2/models/digits/infer"
ok "V2: infer's errors are not" answered identity 'gzip, deflate, br' --data-binary @$rows "$base/v2/models/digits/infer"
for path in /v2 /v2/models/digits /v2/models/digits/config /v2/models/digits/stats /v2/health/ready; do
    ok "V2: $path is not" answered identity 'gzip, deflate, br' "$base$path"
done
ok "V2: bytes of tensors, compressed both ways" python3 -B tests/http/encodings.py infer "$address" $rows

serve --compress-level 0
ok "--compress-level 0 turns it off" rows_answered identity gzip
serve --compress-bytes-min 0 --inline-us-max 0
ok "--compress-bytes-min 0: the shortest, too, and by a worker" answered gzip gzip -d '{"data": [1]}' "$base/v1/activations/relu"
ok "which is the reply" [ "$(gzip -dc <"$tmp/reply" | jq -c .data)" = '[1]' ]
ok "and a long one" [ "$(predict --compressed --data-binary @$rows | sum_of)" = "$want" ]

done_testing
