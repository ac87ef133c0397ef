#!/usr/bin/env bash
# Ask axond from a shell with curl and jq: curl.sh [http://localhost:8000]
set -euo pipefail
base=${1:-http://localhost:8000}
examples=$(dirname "$0")/../examples

reply=$(mktemp)
trap 'rm -f "$reply"' EXIT

# ask PATH REQUEST-ID [curl's arguments]: the reply's body, of 200 or of a refusal. curl waits as long as Retry-After says after a 429 or a 503 and
# tries again, also while nobody listens yet; into a file, for the bodies of all tries would go to standard output. Given several URLs, one curl
# sends all requests over one connection.
ask() {
    local path=$1 id=$2
    shift 2
    curl -sS --retry 4 --retry-connrefused --max-time 30 -H "X-Request-Id: $id" ${API_KEY:+-H "Authorization: Bearer $API_KEY"} \
        -H 'Content-Type: application/json' -o "$reply" "$@" "${base%/}$path"
    cat "$reply"
}

jq -c '. + {top_k: 1}' "$examples/digit.json" | ask /v1/models/digits:predict example-1 --data-binary @- |
    jq -r 'if .error then "\(.code): \(.error)\n" | halt_error(1) else . end | .classes[0][0] | "label \(.label), score \(.score * 10000 | round / 10000)"'
ask /v1/models/digits:predict example-2 -d '{"instances": [[1, 2, 3]]}' | jq -r '"code \(.code), request example-2"'
