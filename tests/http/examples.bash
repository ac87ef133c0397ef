# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # tmp and base are lib.sh's; what stands in quotes is evaluated by ok
# examples.bash - a program of configs/clients against the service, and against one that is busy at first. Sourced after lib.sh and serve.
#
#   example NAME WANT COMMAND...   COMMAND BASE prints WANT, also with a key and a busy service; what that one saw is in $tmp/requests
#   one_connection                 all of that came by one
#   busy_gone                      end the busy service

python3 -B tests/http/busy.py "$base" "$tmp/busy" >>"$tmp/requests" &
busy=$!
wait_for 100 [ -e "$tmp/busy" ]
predicted=$'label 2, score 0.9908\ncode shape_mismatch, request example-2'

# says WANT COMMAND...: that is all that it says
says() {
    local want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/said" && [ "$(<"$tmp/out")" = "$want" ] && [ ! -s "$tmp/said" ] && return
    sed 's/^/# /' "$tmp/out" "$tmp/said"
    return 1
}

example() {
    local name=$1 want=$2
    shift 2
    ok "$name" says "$want" "$@" "$base"
    : >"$tmp/requests"
    ok "$name: a busy service, and a key" says "$want" env API_KEY=secret-1 "$@" "$(<"$tmp/busy")"
    ok "$name: as many tries as refusals" [ "$(grep -c ^busy "$tmp/requests")" = "$(grep -c ^asked "$tmp/requests")" ]
    ok "$name: each has the key" [ "$(grep -vc 'Bearer secret-1' "$tmp/requests")" = 0 ]
}

one_connection() { [ "$(cut -d' ' -f2 "$tmp/requests" | sort -u | wc -l)" = 1 ]; }

busy_gone() { kill "$busy" && wait "$busy" 2>/dev/null; }
