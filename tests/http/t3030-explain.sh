#!/usr/bin/env bash
# :explain over HTTP: a model of named sensors before and after its baseline is made; every list as plain loops in doubles have it;
# a sensor that is stuck, one that runs wild; many rows, limits.
# shellcheck disable=SC1091,SC2016,SC2154 # what jq reads is its; lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

python3 -B tests/http/explain.py write "$tmp/models" "$tmp/rows.npy"
serve --models "$tmp/models"
req POST /v1/models/sensors:explain '{"instances": [[1, 2, 3, 4, 5, 6, 7, 8]], "top_k": 2}'
ok "without a baseline it says so, and knows nothing that is odd" want 200 \
    '.baseline == null and (.explanations[0] | (.features | length == 2) and (has("odd_features") or has("layers") | not))'
ok "features have the names of config.json's columns" want 200 \
    '.explanations[0].features | all(.feature | IN("inlet \"A\"", "outlet", "bearing", "oil", "vibration", "humidity", "current", "voltage"))'
ok "the class has its label" want 200 '.explanations[0] | .label == ["calm", "busy", "broken"][.class]'

# ---- the confidence is the probability that is served, whatever the output is
# as_served TASK UNITS ACTIVATION EXPECTED: of the outputs $y and the class $c, in jq
as_served() {
    local model=served-$1-$2-$3
    mkdir -p "$tmp/heads/$model/1"
    jq -n --arg task "$1" --argjson units "$2" --arg activation "$3" '{input: {features: 2}, initializer: "he_normal", seed: 3,
        layers: [{units: 4, activation: "relu"}, {units: $units, activation: $activation}]} + if $task == "none" then {} else {$task} end' \
        >"$tmp/heads/$model/config.json"
    heads+=("$model $4")
}
heads=()
as_served multilabel 3 sigmoid '$y[$c]'
as_served multiclass 3 sigmoid '$y[$c]'
as_served none 3 sigmoid '$y[$c]'
as_served none 1 sigmoid '$y[0]'
as_served multilabel 3 softmax '$y[$c]'
as_served multiclass 3 softmax '$y[$c]'
as_served binary 1 hard_sigmoid 'if $c == 1 then $y[0] else 1 - $y[0] end'
as_served binary 1 identity '1 / (1 + (if $c == 1 then -$y[0] else $y[0] end | exp))'
as_served multilabel 3 identity '1 / (1 + (-$y[$c] | exp))'
as_served multiclass 3 identity '($y[$c] | exp) / ($y | map(exp) | add)'
as_served multiclass 3 log_softmax '$y[$c] | exp'
serve --models "$tmp/heads"
for head in "${heads[@]}"; do
    model=${head%% *}
    req POST "/v1/models/$model:predict" '{"instances": [[1.5, -0.7], [-1, 0.2]]}'
    y=$(jq -c '[.predictions[] | [.] | flatten]' "$tmp/body")
    req POST "/v1/models/$model:explain" '{"instances": [[1.5, -0.7], [-1, 0.2]]}'
    ok "$model: confidence is ${head#* }" want 200 \
        "[$y, [.explanations[] | [.class, .confidence]]] | transpose | all(.[0] as \$y | .[1][0] as \$c | .[1][1] - (${head#* }) | fabs < 1e-6)"
done

serve --models "$tmp/models"
ok "a baseline is made of the rows" "$BIN" baseline sensors --models "$tmp/models" <"$tmp/rows.npy"
serve --models "$tmp/models"
ok "every list of 400 rows is right; what is planted ranks first" python3 -B tests/http/explain.py check "$base"
req POST '/v1/models/sensors:explain?non_finite=token' '{"instances": [[NaN, Infinity, 3, 4, 5, 6, 7, 8]], "top_k": 1}'
ok "what is not finite is null" want 200 '.explanations[0] | .logit == null and .confidence == null'
jq -cn '{instances: [range(65536) | [range(8) | 1]], top_k: 1}' >"$tmp/rows"
req POST /v1/models/sensors:explain "@$tmp/rows"
ok "65,536 rows" want 200 '(.explanations | length == 65536) and (.explanations | map(.class) | unique | length == 1)'
jq -c 'del(.top_k)' <"$tmp/rows" >"$tmp/rows.more"
req POST /v1/models/sensors:explain "@$tmp/rows.more"
ok "with more listed than classes_max they are refused by the numbers" want 400 \
    '.code == "limit_exceeded" and (.error | test("65536 rows of [0-9]+ features and units are more than 1048576 .classes_max.$"))'

cp -R configs/models/digits "$tmp/models/digits"
cp -R configs/models/digits "$tmp/models/plain"
rm "$tmp/models/plain/1/baseline.json"
serve --models "$tmp/models"
req POST /v1/models/digits:explain "$(jq -c '{instances}' configs/examples/digit.json)"
cp "$tmp/body" "$tmp/watched"
serve --models "$tmp/models" --neuron-stats off
req POST /v1/models/digits:explain "$(jq -c '{instances}' configs/examples/digit.json)"
ok "where nobody watches the neurons baseline.json is used all the same" want 200 '.baseline.rows == 450'
ok "and the answer is that of a watched model" cmp "$tmp/body" "$tmp/watched"
req GET /v1/models/sensors/advice
ok "advice goes by it, too" want 200 'any(.advice[]; .id == "input_not_centred" and (.message | endswith("by the baseline, above 3")))'
req POST /v1/models/plain:explain "$(jq -c '{instances}' configs/examples/digit.json)"
ok "without the file there is none, and the logit is explained" want 200 \
    '.baseline == null and .explanations[0].label == "2" and (.explanations[0].features | length == 10)'
ok "pixels without names are their numbers" want 200 '.explanations[0].features | all(.feature | type == "number")'
ok "no row of all these was traffic" test "$(metric 'axond_inference_rows_total{model="digits",version="1"}')" = 0
done_testing
