#!/usr/bin/env bash
# Advice: every lint of advice.def has a model that triggers it, one that does not, and a section that explains it; the
# shipped models come out clean; --check-config exits 2 for warnings.
# shellcheck disable=SC2016 # what jq reads is its
. "$(dirname "$0")/lib.sh"

data=tests/data/advice
mapfile -t lints < <(sed -nE 's/^ADVICE\((\w+), (\w+),$/\1 \2/p' server/neurons/advice.def)

# advises MODEL ID: does it?
advises() { curl -sS --noproxy '*' "$base/v1/models/$1/advice" | jq -e --arg id "$2" 'any(.advice[]; .id == $id)' >"$tmp/out"; }
spares() { ! advises "$@" && [ "$(<"$tmp/out")" = false ]; }
whole() {
    curl -sS --noproxy '*' "$base/v1/models/$1-yes/advice" | jq -e --arg id "$1" --arg level "${2,,}" '
        .advice | map(select(.id == $id)) | length > 0 and all(.level == $level and has("layer") and
        (.message + .why + .fix | length > 40) and .page == "server/neurons/ADVICE.md#" + $id)' >/dev/null
}

serve --models "$data"
ok "the table has lints" test "${#lints[@]}" -ge 18
for lint in "${lints[@]}"; do
    read -r id level <<<"$lint"
    ok "$id: its model triggers it" advises "$id-yes" "$id"
    ok "$id: with level, message, why, fix and page" whole "$id" "$level"
    ok "$id: the model beside does not" spares "$id-no" "$id"
    ok "$id: the page explains it" grep -q "^## $id\$" server/neurons/ADVICE.md
done

ok "units are named" test "$(curl -sS --noproxy '*' "$base/v1/models/cloned_units-yes/advice" | jq -c '.advice[0] | [.layer, .unit]')" = '["hidden1",4]'
ok "the neurons are proven dead by the declared range, without a row" test \
    "$(curl -sS --noproxy '*' "$base/v1/models/proven_dead-yes/neurons?window=load" | jq -c '.layers[0].proven_dead | [.count, .units]')" = '[2,[2,5]]'
ok "outputs have bounds where a range is declared" test \
    "$(curl -sS --noproxy '*' "$base/v1/models/proven_dead-yes/advice" | jq '.output_bounds | .range == "declared" and (.low | length) == 3 and all(.low[]; . >= 0) and all(.high[]; . <= 1)')" = true
ok "and none elsewhere" test "$(curl -sS --noproxy '*' "$base/v1/models/proven_dead-no/advice" | jq -c .output_bounds)" = null

# ---- a softmax between two layers is hidden; of as many classes it is doubled as well
mkdir -p "$tmp/narrow/fewer"
jq '.layers[-1].units = 2 | .layers[-1].weight |= .[:2] | .layers[-1].bias |= .[:2] | .output.labels |= .[:2]' \
    "$data/softmax_doubled-yes/config.json" >"$tmp/narrow/fewer/config.json"
ok "a doubled softmax is a hidden one, too" advises softmax_doubled-yes softmax_hidden
# A range of 2 sqrt(3) about the mean has the standard deviation 1, so the mean is gamma.
for mean in 2.99 3.01; do
    mkdir "$tmp/narrow/mean-$mean"
    jq -n "{input: {features: 1, scale: 1, min: ($mean - (3 | sqrt)), max: ($mean + (3 | sqrt))},
        layers: [{units: 1, activation: \"identity\", weight: [[1]]}]}" >"$tmp/narrow/mean-$mean/config.json"
done
serve --models "$tmp/narrow"
ok "inputs of gamma 2.99 are centred enough" spares mean-2.99 input_not_centred
ok "those of 3.01 are not" advises mean-3.01 input_not_centred
ok "a softmax of three units in front of one of two is a hidden one" advises fewer softmax_hidden
ok "and is not doubled" spares fewer softmax_doubled

# shellcheck disable=SC2034 # eval reads it
# checked MODEL: what --check-config says of that model alone, in $said; its exit status
checked() { said=$("$BIN" --check-config --model-dir "$1" --model-name m 2>/dev/null); }
code_of() { checked "$1"; echo $?; }
for lint in "${lints[@]}"; do
    read -r id level <<<"$lint"
    [ "$level" = INFO ] && continue
    ok "--check-config exits 2 for $id" test "$(code_of "$data/$id-yes")" = 2
done
ok "and tells it" eval 'checked $data/zero_row-yes; [[ $said == *"model m version 1: zero_row: layer hidden1: all weights of unit 2 are 0"* ]]'
for id in model_untrained labels_missing input_not_scaled linear_layer; do
    ok "info is no finding: $id" test "$(code_of "$data/$id-yes")" = 0
done
for model in digits breast-cancer; do
    ok "$model comes out clean" test "$(code_of "configs/models/$model")" = 0
done

# ---- the range of a baseline's rows proves nothing, and bounds go over it where none is declared
mkdir "$tmp/models"
for model in declared observed; do cp -R "$data/proven_dead-yes" "$tmp/models/$model"; done
jq 'del(.input.min, .input.max)' "$data/proven_dead-yes/config.json" >"$tmp/models/observed/config.json"
python3 -B - "$tmp/rows.npy" <<'PY'
import sys
sys.path.insert(0, "tests/http")
import rows
ends = [[-0.5, -0.5, -0.75, -1], [0.25, 0.5, 0.5, 0.75]]
open(sys.argv[1], "wb").write(rows.npy([[float(ends[(i >> f) & 1][f]) for f in range(4)] for i in range(320)]))
PY
jq '.input.min = [-0.5, -0.5, -0.75, -1] | .input.max = [0.25, 0.5, 0.5, 0.75]' "$data/proven_dead-yes/config.json" >"$tmp/models/declared/config.json"
ok "a baseline is made" "$BIN" baseline observed --models "$tmp/models" <"$tmp/rows.npy"
serve --models "$tmp/models"
advice() { curl -sS --noproxy '*' "$base/v1/models/$1/advice"; }
ok "without a declared range the bounds are over the baseline's" test "$(advice observed | jq -r .output_bounds.range)" = baseline
ok "and are those of the same range, declared" test \
    "$(advice observed | jq -c '.output_bounds | del(.range)')" = "$(advice declared | jq -c '.output_bounds | del(.range)')"
req GET /v1/models/observed/advice
ok "units that it keeps at 0 are an info" want 200 '.advice | map(select(.id == "proven_dead")) | length == 1 and
    (.[0] | .level == "info" and .unit == 2 and (.message | startswith("2 of 6 units fire on nothing within the range of the baseline'"'"'s rows")))'
req GET /v1/models/declared/advice
ok "which a declared range makes a warning" want 200 'any(.advice[]; .id == "proven_dead" and .level == "warning" and .message == "2 of 6 units can never fire, the first is 2")'
req GET /v1/models/observed/neurons
ok "they are not proven dead" want 200 '.layers[0].proven_dead.count == 0'
refused() { said=$("$BIN" compact observed --models "$tmp/models" 2>&1); [ $? = 1 ] && [[ $said == *"config.json declares no input.min and input.max, without which nothing can be proven" ]]; }
ok "nor left out" refused
serve --models configs/models
ok "a few of many are an info of a model that is clean" test \
    "$(advice digits | jq -c '[.advice[] | select(.id == "proven_dead") | [.level, .layer, .unit]]')" = '[["info","hidden1",4],["info","hidden2",20]]'

done_testing
