#!/usr/bin/env bash
# Keys: made, hashed in their file, asked for, changed while the service runs; counted and logged, and never written down.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body, headers, pid and tmp
. "$(dirname "$0")/lib.sh"
umask 077

# make_key NAME SCOPE: into $tmp/NAME.key and $tmp/NAME.line
make_key() { "$BIN" key --name "$1" --scope "$2" >"$tmp/$1.line" 2>"$tmp/$1.key"; }
key() { cat "$tmp/$1.key"; }
header() { printf '%s\n' "$headers" | grep -i "^$1:" | cut -d' ' -f2-; }
with() { printf 'Authorization: Bearer %s' "$(key "$1")"; }

# ---- axond key
make_key reader infer && make_key keeper admin && make_key next infer
ok "a key is 256 random bits and known by its beginning" grep -qxE 'axond_[A-Za-z0-9_-]{43}' "$tmp/reader.key"
ok "its line is its scope, its name and a digest" grep -qxE 'infer reader sha256:[0-9a-f]{64}:[0-9a-f]{64}' "$tmp/reader.line"
differs() { [ "$(sort -u "$tmp"/{reader,keeper,next}.key | wc -l)" = 3 ] && [ "$(cut -d: -f2 "$tmp"/{reader,keeper,next}.line | sort -u | wc -l)" = 3 ]; }
ok "no two keys and no two salts are the same" differs
same_digest() {
    local salt
    IFS=: read -r _ salt digest <"$tmp/reader.line"
    [ "$(printf %s%s "$salt" "$(key reader)" | sha256sum)" = "$digest  -" ]
}
ok "the digest is what sha256sum says of salt and key" same_digest
usage() { "$BIN" key "$@" >"$tmp/out" 2>"$tmp/second"; [ $? = 2 ] && [ ! -s "$tmp/out" ]; }
ok "a name is of letters, digits and . _ -" usage --name 'a b'
ok "a scope is infer or admin" usage --scope root
ok "a key belongs to no model" usage digits

# ---- the file at the start
bad_file() { # LINE TEXT
    "$BIN" --listen 127.0.0.1:0 --keys "$tmp/bad" 2>"$tmp/second"
    [ $? = 78 ] && grep -q "event=start_failed error=\"keys: $tmp/bad:$1: $2" "$tmp/second" && ! grep -q axond_ "$tmp/second"
}
cat "$tmp/reader.line" "$tmp/reader.key" >"$tmp/bad"
ok "a line that is no key ends the start: 78, file and line" bad_file 2 'expected infer or admin'
printf 'infer reader %s\n' "$(key reader)" >"$tmp/bad"
ok "a key in place of its hash is not quoted" bad_file 1 'the hash, the third word'
missing() { "$BIN" --listen 127.0.0.1:0 --keys "$tmp/none" 2>"$tmp/second"; [ $? = 78 ] && grep -q 'none: No such file' "$tmp/second"; }
ok "nor does it start without its file" missing
cat "$tmp/reader.line" "$tmp/keeper.line" >"$tmp/keys"
check() { "$BIN" --check-config --models configs/models --keys "$1" >"$tmp/out" 2>/dev/null; }
ok "--check-config counts the keys" check "$tmp/keys"
ok "by scope" grep -qx "keys: 1 infer, 1 admin in $tmp/keys" "$tmp/out"
checked() { check "$1"; [ $? = "$2" ] && grep -q "$3" "$tmp/out"; }
ok "a broken file is a failure" checked "$tmp/bad" 1 'bad:1: the hash'
chmod 644 "$tmp/keys"
ok "one that others may read is a finding" checked "$tmp/keys" 2 'mode 0644: others may read it'

# ---- requests
serve --models configs/models --keys "$tmp/keys" --access-log --metrics-access public --trusted-proxy 127.0.0.1
ok "as the log warns" grep -q 'level=warn event=keys_file_open .*mode 0644' "$tmp/log"
req GET /v1/models
ok "without a key: 401" want 401 '.code == "unauthorized" and (.error | contains("X-API-Key"))'
ok "which says how to send one" [ "$(header WWW-Authenticate)" = 'Bearer realm="axond"' ]
req GET /v1/models -H "$(with reader)"
ok "with a key: 200" want 200
req GET /v1/models -H "X-API-Key: $(key reader)"
ok "in either header" want 200
req GET /v1/models -H "$(with reader)" -H "X-API-Key: $(key reader)"
ok "or in both" want 200
req GET /v1/models -H "$(with reader)" -H "X-API-Key: $(key keeper)"
ok "two that differ: 400" want 400 '.error | contains("different keys")'
req GET "/v1/models?api_key=$(key reader)"
ok "in the URL: 400" want 400 '.error | contains("in a header")'
req GET /v1/models -H "X-API-Key: $(key reader)x"
ok "a wrong one: 401" want 401 '.error == "the key is not known here"'
req POST /v1/models/digits:baseline '{}' -H "$(with reader)"
ok "a key for inference changes nothing: 403" want 403 '.code == "forbidden"'
req POST /v1/models/digits:baseline '{}' -H "$(with keeper)"
ok "an admin's may" want 409 '.code == "no_evidence"'
req POST /v1/models/digits:baseline '{}' -H "$(with keeper)" -H 'X-Forwarded-For: 192.0.2.7'
ok "from wherever it comes" want 409
req POST /v1/models/digits:baseline '{}'
ok "and nobody without one, on this machine neither" want 401
for path in / /ui/page.js /v2/health/live /v2/health/ready /ping /health; do
    req GET "$path"
    ok "$path is public" want 200
done
probed() { env -u LC_ALL "$BIN" --health --listen "$address"; }
ok "--health needs no key" probed
ok "http.client reads the 401 of 8 MB, 20 times of 20" raw keyless --bytes 8000000 --times 20 --key "$(key reader)"

# ---- counted, logged, not written down
before=$(metric 'axond_keys_refused_total{cause="unknown"}') lines=$(grep -c event=key_refused "$tmp/log") second=$SECONDS
for _ in $(seq 20); do printf 'url = "%s/v1/models"\noutput = /dev/null\n' "$base"; done >"$tmp/many"
curl -s --noproxy '*' -K "$tmp/many" -H 'X-API-Key: guess-1' -H 'X-Forwarded-For: 192.0.2.7'
ok "each refusal is counted" [ "$(metric 'axond_keys_refused_total{cause="unknown"}')" = $((before + 20)) ]
few() { [ $(($(grep -c event=key_refused "$tmp/log") - lines)) -le $((SECONDS - second + 1)) ]; }
ok "and one a second logged" few
sleep 1.1
req GET /v1/models -H 'X-API-Key: guess-2' -H 'X-Forwarded-For: 192.0.2.7'
ok "with the client, the cause and how many" grep -qE 'level=warn event=key_refused cause=unknown client=192.0.2.7 route=/v1/models count=[0-9]+$' "$tmp/log"
counted() { [ "$(sed -nE 's/.*event=key_refused .* count=([0-9]+).*/\1/p' "$tmp/log" | awk '{ sum += $1 } END { print sum }')" = "$(metric_sum)" ]; }
metric_sum() { curl -sS --noproxy '*' "$base/metrics" | awk '/^axond_keys_refused_total\{/ { sum += $NF } END { print sum }'; }
ok "none is forgotten" counted
ok "the access log tells whose key it was" grep -q 'event=request .*route=/v1/models status=200 .*key=reader' "$tmp/log"
ok "of a refused one as well" grep -q 'event=request .*status=403 .*key=reader' "$tmp/log"
none_has() { ! grep -rn "$@"; }
ok "no key stands in the log" none_has -e axond_[A-Za-z0-9_-]*[A-Z] -e guess- "$tmp/log"

# ---- SIGHUP
reread() { # KEYS-LINES: the file's new content, and SIGHUP; until the log has told
    local before
    before=$(grep -cE 'event=keys(_not_reread)? ' "$tmp/log")
    cat "$@" >"$tmp/keys.new" && mv "$tmp/keys.new" "$tmp/keys"
    kill -HUP "$pid"
    wait_for 100 told "$before"
}
told() { [ "$(grep -cE 'event=keys(_not_reread)? ' "$tmp/log")" -gt "$1" ]; }
knows() { req GET /v1/models -H "$(with "$1")" && want 200; }
unknown() { req GET /v1/models -H "$(with "$1")" && want 401; }
reread "$tmp"/{reader,next,keeper}.line
ok "a second key of the client is added" knows next
ok "while its first goes on" knows reader
ok "the log tells how many there are" grep -q 'level=info event=keys .*infer=2 admin=1' "$tmp/log"
reread "$tmp"/{next,keeper}.line
ok "then the first is taken away" unknown reader
ok "and the second stays" knows next
reread "$tmp/bad"
ok "a broken file changes nothing" knows next
ok "and is told, by file and line" grep -q "level=error event=keys_not_reread error=\"$tmp/keys:1: the hash" "$tmp/log"
cat "$tmp/keeper.line" >"$tmp/keeper.only"
cat "$tmp"/{next,keeper}.line >"$tmp/keys"
ok "a kept connection loses its key at the next request" raw taken_away --key "$(key next)" --keys "$tmp/keys" --file "$tmp/keeper.only" --pid "$pid"
ok "no key stands in the log now either" none_has -e 'axond_[A-Za-z0-9_-]*[A-Z]' "$tmp/log"

# ---- metrics, and the warning
serve --models configs/models --keys "$tmp/keys"
req GET /metrics
ok "/metrics asks for a key" want 401
serve --models configs/models --keys "$tmp/keys" --metrics-access admin
req GET /metrics -H "$(with keeper)"
ok "or for an admin's" want 200
opened() { # OPTIONS...
    serve "$@"
    stop TERM
    grep -c 'level=warn event=open_to_the_network' "$tmp/log"
}
ok "who listens on all addresses is warned" [ "$(opened --listen 0.0.0.0:0)" = 1 ]
ok "not with keys" [ "$(opened --listen 0.0.0.0:0 --keys "$tmp/keys")" = 0 ]
exit_status=0
done_testing
