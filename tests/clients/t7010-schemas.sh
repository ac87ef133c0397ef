#!/usr/bin/env bash
# schemathesis makes requests from openapi.json, that fit it and that do not, and finds no reply that contradicts it.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, tmp and venv
. "$(dirname "$0")/lib.sh"
need "schemathesis finds nothing"

# The broken model is left out: 503 would be its every answer.
mkdir "$tmp/models"
cp -r tests/api/models/half_plus_two tests/api/models/scorer tests/api/models/tiny "$tmp/models/"
# A baseline can be made of what was served, and /invocations has a model.
serve --models "$tmp/models" --neuron-rows-min 1 --model-name tiny

# GET /health answers a line feed as application/json, as MLflow does: no JSON, and no schema can say so. Settings of traces
# and shared memory are answered by 501 alone, which counts as an error of the server's.
# positive_data_acceptance is hooks.py's refusals_are_described, which asks for more than any 400.
schemathesis() {
    (cd "$tmp" && AXOND_BASE=$base AXOND_COUNTS=$tmp/counts AXOND_HOSTED=$tmp/models/tiny SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$here \
        "$here/../../$venv/schemathesis" run "$base/openapi.json" --seed 1 --generation-deterministic --no-color \
        ${ONLY:+--include-path-regex "$ONLY"} --exclude-path-regex '^/health$|/trace/setting$|sharedmemory/' \
        --max-examples "${EXAMPLES:-40}" --phases examples,coverage,fuzzing --mode all \
        --exclude-checks positive_data_acceptance,ignored_auth) >"$tmp/found" 2>&1 ||
        { sed 's/^/# /' "$tmp/found"; return 1; }
}
here=$PWD/tests/clients
ok "no reply contradicts openapi.json, no refusal is undescribed" schemathesis

# Each POST was answered, and refused, if it can be: else nothing of it was tested.
both() { awk -F'\t' -v p="$1" -v refused="$2" '$1 == "POST " p { enough = $2 >= 5 && $3 >= refused } END { exit !enough }' "$tmp/counts"; }
while IFS=$'\t' read -r path refused; do
    ok "POST $path was answered and refused"  both "$path" "$refused"
done < <(jq -r '.paths | to_entries[] | select(.value.post) | .value.post as $post |
    select(.key | test("/trace/setting$|sharedmemory/") | not) |
    [.key, if $post["x-refusals"] then 1 else 0 end] | @tsv' server/api/openapi.json |
    grep -E "${ONLY:-.}")
sed 's/^/# /' "$tmp/counts"

done_testing
