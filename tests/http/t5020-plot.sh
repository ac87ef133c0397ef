#!/usr/bin/env bash
# Drawings of activations: what is in them, and that clients may keep them.
# shellcheck disable=SC2154 # lib.sh sets base, address, status, headers
. "$(dirname "$0")/lib.sh"

plot() { python3 -B tests/http/plot.py "$address" "$1"; }
header() { sed -nE "s/^$1: (.*[^\r])\r?$/\1/Ip" <<<"$headers"; }

kept() {
    local etag
    req GET "/v1/activations/gelu/plot.svg"
    etag=$(header ETag)
    [ "$status" = 200 ] && [ -n "$etag" ] && [ "$(header Cache-Control)" = max-age=3600 ] || return 1
    [ "$(header Content-Type)" = image/svg+xml ] || return 1
    req GET "/v1/activations/gelu/plot.svg" '' -H "If-None-Match: $etag"
    [ "$status" = 304 ] && [ -z "$body" ] && [ "$(header ETag)" = "$etag" ] || return 1
    req GET "/v1/activations/gelu/plot.svg?derivative=true" '' -H "If-None-Match: $etag"
    [ "$status" = 200 ] && [ "$(header ETag)" != "$etag" ]
}

# HEAD has the headers of GET, and no body.
head_of() { curl -sSI "$base/v1/activations/relu/plot.svg" | grep -qi '^content-type: image/svg+xml'; }

serve
ok "every activation is drawn with its derivative, through the values that the service computes" plot every_activation
ok "what jumps is in pieces" plot jumps
ok "eight curves with derivatives have a path, a colour and an entry of the legend each" plot several
ok "far, near, wide and narrow ranges have round ticks, and every line stays in the frame" plot ranges
ok "a client that has the drawing is told so" kept
ok "HEAD" head_of
done_testing
