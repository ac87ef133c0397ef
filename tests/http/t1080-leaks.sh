#!/usr/bin/env bash
# Nothing is left of a request: memory and descriptors stay, whatever was asked, and whether it was answered, refused, or nobody was left to take the answer.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, pid and tmp
. "$(dirname "$0")/lib.sh"

cp -R configs/models "$tmp/models"
jq '. + {record: {rows: 50}}' configs/models/digits/config.json >"$tmp/models/digits/config.json"
serve --models "$tmp/models" --threads 2
requests=${LEAK_REQUESTS:-1000}
ok "$requests requests of each route leave nothing" python3 -B tests/http/leak_clients.py "$address" "$pid" "$requests"
done_testing
