#!/usr/bin/env bash
# top_k: the scores of every kind of classifier, and what is refused.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"

# put NAME TASK ACTIVATION UNITS WEIGHT LABELS: one layer over one feature
put() {
    mkdir -p "$tmp/models/$1"
    printf '{"task": "%s", "input": {"features": 1}, "layers": [{"units": %s, "activation": "%s", "weight": %s}],
            "output": {"labels": %s}}' "$2" "$4" "$3" "$5" "$6" >"$tmp/models/$1/config.json"
}

# classes MODEL X K: predict and rank
classes() { req POST "/v1/models/$1:predict" "{\"instances\": [[$2]], \"top_k\": $3}"; }

put logit binary identity 1 '[[1]]' '["no", "yes"]'
put probability binary sigmoid 1 '[[1]]' '["no", "yes"]'
put single binary sigmoid 1 '[[1]]' '["spam"]'
put price regression identity 1 '[[1]]' '["euro"]'
put share regression sigmoid 1 '[[1]]' '["less", "more"]'
put three multiclass softmax 3 '[[1], [2], [3]]' '["a", "b", "c"]'
serve --models "$tmp/models"

classes logit 0.4 2
ok "a logit above 0 is the second label's, with sigma for a score" \
    want 200 '.predictions == [[0.4]], [.classes[0][].label] == ["yes", "no"],
              (.classes[0] | map(.score) | (.[0] - 0.5986877 | fabs < 1e-6) and (.[1] - 0.4013123 | fabs < 1e-6))'
classes logit -0.4 1
ok "a logit below 0 is the first label's" want 200 '.classes == [[{"label": "no", "score": .classes[0][0].score}]],
              (.classes[0][0].score - 0.5986877 | fabs < 1e-6)'
classes probability 3 2
ok "a probability is the second label's" want 200 '[.classes[0][].label] == ["yes", "no"],
              .classes[0][0].score == .predictions[0][0], (.classes[0][1].score - 0.0474258 | fabs < 1e-6)'
classes single 3 1
ok "the one label of one output has its value" want 200 '.classes[0][0] == {"label": "spam", "score": .predictions[0][0]}'
classes single 3 2
ok "and there are no two of it" want 400 '.code == "bad_parameter"'
classes price 250000 1
ok "a regression has no classes" want 400 '.error == "top_k: model '"'price'"' is a regression, its outputs are no scores"'
req POST /v1/models/share:predict '{"instances": [[1]]}'
req POST /v1/models/probability:predict '{"instances": [[1]]}'
req GET /metrics
counted() { grep -q "^axond_predictions_total{model=\"$1\"" <<<"$body"; }
ok "nor are those counted, though two names make its output look like a probability" eval '! counted share && counted probability'
classes three 1 3
ok "a label per output" want 200 '[.classes[0][].label] == ["c", "b", "a"], ([.classes[0][].score] == (.predictions[0] | reverse))'

put relu binary relu 1 '[[1]]' '["no", "yes"]'
is_refused() {
    "$BIN" --models "$tmp/models" --check-config 2>/dev/null |
        grep -q "^model relu version 1: config.json: output.labels: 2 labels for 1 output take a last activation with range"
}
ok "two labels on what is neither are refused when the model loads" is_refused
done_testing
