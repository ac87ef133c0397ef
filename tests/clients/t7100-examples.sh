#!/usr/bin/env bash
# Programs of configs/clients in other languages, or with packages of PyPI: each in its own runtime, which is skipped where it is not there.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp and base
. "$(dirname "$0")/../http/lib.sh"

serve
. tests/http/examples.bash
if node -e 'process.exit(+(Number(process.versions.node.split(".")[0]) < 18))' 2>/dev/null; then
    example fetch "$predicted" node configs/clients/fetch.mjs
    # it opens another one while the first is not yet free
    ok "fetch: connections are kept" [ "$(cut -d' ' -f2 "$tmp/requests" | sort -u | wc -l)" -lt "$(wc -l <"$tmp/requests")" ]
else
    skip fetch "there is no Node.js of at least 18"
fi
if command -v go >/dev/null; then
    ok "the Go program builds" env GO111MODULE=off GOTOOLCHAIN=local GOCACHE="$PWD/build/go" go build -o "$tmp/client" configs/clients/client.go
    example Go "$predicted" "$tmp/client"
    ok "Go: one connection" one_connection
else
    skip Go "there is no Go"
fi
if build/venv-clients/bin/python -c 'import numpy, requests' 2>/dev/null; then
    example NumPy $'label 2, score 0.9908\npredict_npy: the same bits: True\npredict_v2: the same bits: True\ncode shape_mismatch' \
        build/venv-clients/bin/python -B configs/clients/numpy_arrays.py
else
    skip NumPy "PyPI cannot be reached"
fi
busy_gone

# ---- a browser: the page is of another origin, so that the request is preceded by a preflight
if command -v chromium >/dev/null; then
    mkdir "$tmp/site" && cp tests/clients/page.html configs/clients/fetch.mjs "$tmp/site"
    python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/site" 0 >"$tmp/site.log" 2>/dev/null &
    site=$!
    wait_for 100 grep -q 'port [0-9]' "$tmp/site.log"
    origin=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$tmp/site.log")
    # shows WANT: that is what the page says
    shows() {
        local got
        got=$(timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$tmp/chromium" --virtual-time-budget=20000 \
            --dump-dom "$origin/page.html?base=$base" 2>"$tmp/chromium.log" | sed -n 's|.*<p id="said">\(.*\)</p>.*|\1|p')
        [ "$got" = "$1" ] || { echo "# $got"; return 1; }
    }
    serve --cors-origin "$origin"
    ok "a page's requests, their code and their id" shows 'string shape_mismatch page-2'
    serve --cors-origin http://example.com
    ok "a page of an origin that is not let in reads nothing" shows ''
    kill "$site" && wait "$site" 2>/dev/null
else
    skip "fetch in a browser" "there is no chromium"
fi

done_testing
