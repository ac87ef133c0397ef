#!/usr/bin/env bash
# The shipped models answer as well over HTTP, on rows that training never saw, as they did where they
# were trained: accuracy, every single probability, and which neurons fired.
# shellcheck disable=SC1091,SC2154 # lib.sh sets body and tmp
. "$(dirname "$0")/lib.sh"

# The class that each row of $tmp/answer says: the largest of many, or one probability of class 1.
classes='[.predictions[] | if length == 1 then (if .[0] >= 0.5 then 1 else 0 end) else index(max) end]'

# accuracy MODEL: of $tmp/answer against the true labels
accuracy() {
    jq -r --slurpfile labels "$data/labels.json" \
        "[$classes, \$labels[0]] | transpose | (map(select(.[0] == .[1])) | length) / length" "$tmp/answer"
}

# The largest |difference| of a probability to scikit-learn's; a missing or extra number is infinitely wrong.
difference() {
    jq -r --slurpfile expected "$data/expected.json" \
        '[.predictions, $expected[0].predictions]
         | if (.[0] | map(length)) != (.[1] | map(length)) then infinite
           else [(.[0] | flatten), (.[1] | flatten)] | transpose | map(.[0] - .[1] | fabs) | max end' "$tmp/answer"
}

# layer_metric NAME LAYER [WINDOW], of $model
layer_metric() { metric "$1{model=\"$model\",version=\"1\",layer=\"$2\"${3+,window=\"$3\"}}"; }

# holds EXPRESSION-OF-NUMBERS, as awk understands it
holds() { awk "BEGIN { exit !($1) }"; }
same() { [ -n "$1" ] && [ -n "$2" ] && holds "$1 == $2"; }

serve --models configs/models

for row in "digits 0.97" "breast-cancer 0.95"; do
    read -r model least <<<"$row"
    data=tests/data/$model
    rows=$(jq length "$data/labels.json")

    req POST "/v1/models/$model:predict" "@$data/heldout.json"
    printf '%s' "$body" >"$tmp/answer"
    ok "$model answers $rows held-out rows" want 200 "(.predictions | length) == $rows"

    reached=$(accuracy)
    printf '# accuracy %s %.4f (%d rows)\n' "$model" "${reached:-0}" "$rows"
    ok "$model is right on at least $least of them" holds "${reached:-0} >= $least"

    off=$(difference)
    echo "# largest difference to scikit-learn, $model: $off"
    ok "the probabilities of $model are scikit-learn's to 1e-5" holds "${off:-1} <= 1e-5"

    # The same rows must count once, and only these: not the golden ones that were checked at load.
    for layer in hidden1 hidden2; do
        read -r units dead zeros < <(jq -r --arg layer "$layer" \
            '.layers[] | select(.name == $layer) | "\(.units) \(.dead) \(.zero_outputs)"' "$data/neurons.json")
        ok "$model $layer: $dead of $units units never fired, as in training" \
            same "$(layer_metric axond_silent_unit_ratio "$layer" load)" "$dead / $units"
        if [ "$rows" -ge 300 ]; then
            ok "$model $layer: by $rows rows they are dead" \
                same "$(layer_metric axond_dead_relu_ratio "$layer" load)" "$dead / $units"
        else
            ok "$model $layer: $rows rows are too few for a verdict" \
                [ "$(layer_metric axond_dead_relu_ratio "$layer" load)" = NaN ]
        fi
        ok "$model $layer: $((units * rows)) outputs were counted" \
            same "$(layer_metric axond_relu_outputs_total "$layer")" "$units * $rows"
        ok "$model $layer: $zeros of them were zero" \
            same "$(layer_metric axond_relu_zero_outputs_total "$layer")" "$zeros"
    done
done

# The bodies that the README's curl lines post.
req POST /v1/models/digits:predict @configs/examples/digit.json
ok "the digit in configs/examples is a 2" want 200 "$classes == [2]"
req POST /v1/models/breast-cancer:predict @configs/examples/tumour.json
ok "the tumour in configs/examples is benign" want 200 "$classes == [1]"

done_testing
