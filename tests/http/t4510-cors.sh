#!/usr/bin/env bash
# Pages of other sites: preflight, replies and refusals as browsers want them; never what changes the service, without a key.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body, headers and tmp
. "$(dirname "$0")/lib.sh"
header() { printf '%s\n' "$headers" | grep -i "^$1:" | cut -d' ' -f2-; }
header_is() { [ "$(header "$1")" = "$2" ] || { echo "# $1: $(header "$1")"; return 1; }; }
has_no() { ! grep -qi "^$1" <<<"$headers"; }
site='Origin: https://a.example' wish='Access-Control-Request-Method: POST'

serve --models configs/models
req OPTIONS /v1/models/digits:predict -H "$site" -H "$wish"
ok "CORS is off: OPTIONS tells what the route takes" want 204
ok "in Allow" header_is Allow 'POST, OPTIONS'
ok "and permits no page" has_no access-control
ok "a 204 has no body and no length" has_no content-length

serve --models configs/models --cors-origin https://a.example,http://localhost:3000 --body-timeout 0.3 --access-log
req OPTIONS /v1/models/digits:predict -H "$site" -H "$wish" -H 'Access-Control-Request-Headers: authorization,content-type'
ok "preflight: 204" want 204
ok "for that origin" header_is Access-Control-Allow-Origin https://a.example
ok "with the methods" header_is Access-Control-Allow-Methods 'POST, OPTIONS'
ok "the headers" grep -qi '^access-control-allow-headers: Authorization, X-API-Key, Content-Type,.* \*$' <<<"$headers"
ok "for a while" header_is Access-Control-Max-Age 7200
ok "no cookies" has_no access-control-allow-credentials
ok "a cache keeps origins apart" header_is Vary Origin
req POST /v1/activations/relu '{"data":[-1,2]}' -H "$site"
ok "the request itself: 200" want 200 '.data == [0, 2]'
ok "readable for that origin" header_is Access-Control-Allow-Origin https://a.example
exposed() { for name; do grep -qi "^access-control-expose-headers: .*$name" <<<"$headers" || return 1; done; }
ok "with its headers" exposed X-Request-Id Server-Timing Retry-After Inference-Header-Content-Length
req GET /v1/models -H 'Origin: https://b.example'
ok "another origin gets its answer" want 200
ok "which its browser keeps from the page" has_no access-control
ok "and a cache from the others" header_is Vary Origin
req OPTIONS /v1/models/digits:predict -H 'Origin: https://b.example' -H "$wish"
ok "its preflight permits nothing" has_no access-control
req GET / -H "$site"
ok "the page's own variants stay apart, too" grep -qiE '^vary: (accept, ([a-z-]+, )?origin)' <<<"$headers"

readable() { want "$1" && header_is Access-Control-Allow-Origin https://a.example; }
req GET /nowhere -H "$site"
ok "refusals are readable: 404" readable 404
req PUT /v1/models -H "$site"
ok "405" readable 405
req POST /v1/activations/relu '{"data":' -H "$site"
ok "400 of the body" readable 400
req POST /v1/activations/relu -H "$site"
ok "411" readable 411
head -c 9000000 /dev/zero >"$tmp/large"
req POST /v1/nowhere "@$tmp/large" -H "$site" -H 'Expect:'
ok "one whose body is thrown away" readable 404
req GET /v1/models -H "$site" -H 'X-API-Key: a' -H 'X-API-Key: b'
ok "one of the framing gate" readable 400
late() {
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}" || return 1
    printf 'POST /v1/activations/relu HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: 9\r\n\r\n{' "$site" >&3
    headers=$(timeout $((20 * slack)) cat <&3 | tr -d '\r')
    exec 3>&-
    grep -q '^HTTP/1.1 408' <<<"$headers" && header_is Access-Control-Allow-Origin https://a.example
}
ok "and 408, in the middle of a body" late
req POST /v1/models/digits:baseline '{}' -H "$site"
ok "without keys no page changes the service" want 403 '.code == "cross_site"'
ok "nor may it read that" has_no access-control
req OPTIONS /v1/models/digits:baseline -H "$site" -H "$wish"
ok "which its preflight says" want 403
ok "and permits nothing" has_no access-control

serve --models configs/models --cors-origin '*'
req GET /v1/models -H "$site"
ok "* is for all pages" header_is Access-Control-Allow-Origin '*'
ok "so caches need not tell them apart" has_no vary
ok "of which somebody without keys is warned" grep -q 'level=warn event=open_to_pages' "$tmp/log"

umask 077
"$BIN" key --name page --scope admin >"$tmp/keys" 2>"$tmp/key"
serve --models configs/models --cors-origin '*' --keys "$tmp/keys"
ok "with keys nobody is warned" [ -z "$(grep level=warn "$tmp/log")" ]
req OPTIONS /v1/models/digits:baseline -H "$site" -H "$wish"
ok "a preflight needs no key" want 204
req POST /v1/models/digits:baseline '{}' -H "$site"
ok "the request does" want 401
ok "and its page can read why" header_is Access-Control-Allow-Origin '*'
req POST /v1/models/digits:baseline '{}' -H "$site" -H "Authorization: Bearer $(cat "$tmp/key")"
ok "with an admin's key a page may do what its key may" want 409 '.code == "no_evidence"'

bad_list() { ! "$BIN" --cors-origin "$1" 2>"$tmp/second" && grep -q 'cors-origin.*expected origins' "$tmp/second"; }
ok "an origin has a scheme" bad_list example.com
ok "and no path" bad_list https://example.com/
exit_status=0
done_testing
