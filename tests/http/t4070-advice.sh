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
    "$(curl -sS --noproxy '*' "$base/v1/models/proven_dead-yes/advice" | jq '.output_bounds | (.low | length) == 3 and all(.low[]; . >= 0) and all(.high[]; . <= 1)')" = true
ok "and none elsewhere" test "$(curl -sS --noproxy '*' "$base/v1/models/proven_dead-no/advice" | jq -c .output_bounds)" = null

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

done_testing
