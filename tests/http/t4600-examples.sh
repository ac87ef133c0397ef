#!/usr/bin/env bash
# Programs of configs/clients that need nothing but curl and Python: they predict, read a refusal's code, try again when told, send id and key, and
# Python keeps its connection (each run of curl is one). Programs in other languages are run by tests/clients/t7100.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and base
. "$(dirname "$0")/lib.sh"

serve
. tests/http/examples.bash
example curl "$predicted" configs/clients/curl.sh
ok "curl: and its id" grep -q 'example-2$' "$tmp/requests"
example "Python's standard library" "$predicted" python3 -B configs/clients/stdlib.py
ok "Python: one connection" one_connection
ok "Python: ids" [ "$(cut -d' ' -f5 "$tmp/requests" | sort | uniq -c | xargs)" = '2 example-1 2 example-2' ]
busy_gone
fails() { ! "$@" >"$tmp/out" 2>"$tmp/said"; }
ok "without a service it fails" fails python3 -B configs/clients/stdlib.py "$(<"$tmp/busy")"

serve --model-dir configs/models/digits --model-name other
ok "curl: a refusal is told" fails configs/clients/curl.sh "$base"
ok "in the service's words" grep -qx "unknown_model: 'digits': no such model; .*" "$tmp/said"

done_testing
