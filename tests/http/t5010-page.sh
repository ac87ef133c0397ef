#!/usr/bin/env bash
# The page: what a browser gets, what it may keep and may not load, and what everybody else gets at the same address.
. "$(dirname "$0")/lib.sh"
serve --models configs/models

header() { printf '%s\n' "$headers" | grep -i "^$1:" | cut -d' ' -f2-; }
header_is() { [ "$(header "$1")" = "$2" ] || { echo "# $1: $(header "$1")"; return 1; }; }
browser='Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

req GET /
ok "without a wish for HTML it says that it is alive" want 200 '.status == "alive" and .description == "/openapi.json"'
ok "which a cache keeps apart from the page"     header_is Vary Accept
req GET / '' -H "$browser"
ok "a browser gets the page"                     want 200
ok "as HTML"                                     header_is Content-Type 'text/html; charset=utf-8'
ok "which is the file"                           cmp -s "$tmp/body" server/ui/index.html
ok "that may load nothing of others"             grep -qi "^content-security-policy: default-src 'none'; script-src 'self';" <<<"$headers"
ok "and asks each time whether it has changed"   header_is Cache-Control no-cache
page=$body etag=$(header ETag) length=$(header Content-Length)
none_has() { ! grep -nE "$@"; }
ok "the file holds no script or style of its own" none_has '<script>|<style|style=|onclick|javascript:' server/ui/index.html
ok "and no file of the page an address outside"  none_has '(https?:)?//[a-z]' server/ui/index.html server/ui/page.css server/ui/page.js

req GET / '' -H "$browser" -H "If-None-Match: $etag"
ok "304 for the page that it has"                want 304
ok "without a body"                              test ! -s "$tmp/body"
ok "by the same ETag"                            header_is ETag "$etag"
req GET / '' -H "$browser" -H "If-None-Match: \"0\", W/$etag"
ok "though it be one of several, and weak"       want 304
req GET / '' -H "$browser" -H 'If-None-Match: "0123456789abcdef"'
ok "200 for another"                             want 200
req HEAD / -H "$browser"
ok "HEAD tells the page's length"                header_is Content-Length "$length"

types='page.css text/css; charset=utf-8
page.js text/javascript; charset=utf-8'
while read -r file type; do
    req GET "/ui/$file"
    ok "$file is the file"                       cmp -s "$tmp/body" "server/ui/$file"
    ok "by its type"                             header_is Content-Type "$type"
    ok "which nobody has to guess"               header_is X-Content-Type-Options nosniff
done <<<"$types"
ok "the page asks for these files alone"         test "$(grep -oE '(src|href)="ui/[^"]+"' <<<"$page" | cut -d/ -f2 | tr -d '"' | sort | xargs)" = "page.css page.js"
req GET /ui/assets.c
ok "and no other file is there"                  want 404 '.code == "unknown_path"'
req GET /ui/../assets.c
ok "nor one above"                               want 404
done_testing
