#!/usr/bin/env bash
# A client that openapi-python-client generates from what the daemon says of itself works.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, tmp and venv
. "$(dirname "$0")/lib.sh"
need "a generated client works"

serve --models tests/api/models
generate() {
    "$venv/openapi-python-client" generate --url "$base/openapi.json" --output-path "$tmp/client" --meta none \
        --config tests/clients/generator.yaml >"$tmp/generated" 2>&1 || { sed 's/^/# /' "$tmp/generated"; return 1; }
}
ok "a client is generated"                    generate
ok "of all operations, without a warning"     test "$(cat "$tmp/generated")" = "Generating $tmp/client"
generated() { PYTHONPATH=$tmp "$venv/python" -B tests/clients/generated.py "$base" "$1" 2>&1 | sed 's/^/# /'; return "${PIPESTATUS[0]}"; }
while read -r name; do
    ok "the client's ${name//_/ }"            generated "$name"
done < <(sed -n 's/^def case_\([a-z_]*\)().*/\1/p' tests/clients/generated.py)

done_testing
