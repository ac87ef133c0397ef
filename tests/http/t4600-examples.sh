#!/usr/bin/env bash
# The programs of configs/clients against a service, and against one that is busy at first: they predict, read a refusal's code, try again when
# told, keep their connection (but for curl, of which each run is a connection) and send id and key. Languages that are not there are skipped.
# shellcheck disable=SC1091,SC2154,SC2016 # lib.sh sets tmp and base; what stands in quotes is evaluated by ok
. "$(dirname "$0")/lib.sh"

serve
python3 -B tests/http/busy.py "$base" "$tmp/busy" >>"$tmp/requests" &
busy=$!
wait_for 100 [ -e "$tmp/busy" ]
want=$'label 2, score 0.9908\ncode shape_mismatch, request example-2'

# says WANT COMMAND...: that is all that it says
says() {
    local want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/said" && [ "$(<"$tmp/out")" = "$want" ] && [ ! -s "$tmp/said" ] && return
    sed 's/^/# /' "$tmp/out" "$tmp/said"
    return 1
}

# example NAME WANT COMMAND...
example() {
    local name=$1 want=$2
    shift 2
    ok "$name" says "$want" "$@" "$base"
    : >"$tmp/requests"
    ok "$name: a busy service, and a key" says "$want" env API_KEY=secret-1 "$@" "$(<"$tmp/busy")"
    ok "$name: as many tries as refusals" [ "$(grep -c ^busy "$tmp/requests")" = "$(grep -c ^asked "$tmp/requests")" ]
    ok "$name: each has the key" [ "$(grep -vc 'Bearer secret-1' "$tmp/requests")" = 0 ]
}

example curl "$want" configs/clients/curl.sh
ok "curl: and its id" grep -q 'example-2$' "$tmp/requests"
example "Python's standard library" "$want" python3 -B configs/clients/stdlib.py
ok "Python: one connection" [ "$(cut -d' ' -f2 "$tmp/requests" | sort -u | wc -l)" = 1 ]
ok "Python: ids" [ "$(cut -d' ' -f5 "$tmp/requests" | sort | uniq -c | xargs)" = '2 example-1 2 example-2' ]
gone() { kill "$busy"; wait "$busy" 2>/dev/null; ! python3 -B configs/clients/stdlib.py "$(<"$tmp/busy")" >"$tmp/out" 2>"$tmp/said"; }
if node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18)' 2>/dev/null; then
    example fetch "$want" node configs/clients/fetch.mjs
    ok "fetch: one connection" [ "$(cut -d' ' -f2 "$tmp/requests" | sort -u | wc -l)" = 1 ]
else
    skip fetch "there is no Node.js of at least 18"
fi
if command -v go >/dev/null; then
    ok "the Go program builds" env GOFLAGS=-mod=mod GO111MODULE=off GOCACHE="$tmp/go" GOTOOLCHAIN=local go build -o "$tmp/client" configs/clients/client.go
    example Go "$want" "$tmp/client"
    ok "Go: one connection" [ "$(cut -d' ' -f2 "$tmp/requests" | sort -u | wc -l)" = 1 ]
else
    skip Go "there is no Go"
fi
if build/venv-clients/bin/python -c 'import numpy, requests' 2>/dev/null; then
    example NumPy $'label 2, score 0.9908\npredict_npy: the same bits: True\npredict_v2: the same bits: True\ncode shape_mismatch' \
        build/venv-clients/bin/python -B configs/clients/numpy_arrays.py
else
    skip NumPy "make test-clients makes the venv"
fi
ok "without a service it fails" gone

done_testing
