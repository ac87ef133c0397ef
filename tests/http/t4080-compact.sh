#!/usr/bin/env bash
# `axond compact MODEL`: the model without the units that its declared range proves dead predicts the same over HTTP.
# shellcheck disable=SC2016 # what jq and python read is theirs
. "$(dirname "$0")/lib.sh"

# A network of every complication: batch normalizations, slopes per channel, a layer without bias, a wide layer (300 units, sums
# of which cross a border of 128), a layer that is dead but for nothing; planted dead units all over.
python3 -B tests/http/compact_models.py "$tmp/models"
cp -R configs/models/digits "$tmp/models/unranged"
jq 'del(.input.min, .input.max)' configs/models/digits/config.json >"$tmp/models/unranged/config.json"

# compacts MODEL MORE...: sets said and code
compacts() {
    said=$("$BIN" compact "$@" --models "$tmp/models" 2>&1)
    code=$?
}
told() { echo "# $code: $said" && return 1; }
says() { [[ "$code: $said" == "0: "*"$1"* ]] || told; }
complains() { [[ "$code: $said" == "1: "*"axond: "*"$1"* ]] || told; }
nothing_left() { [ -z "$(find "$tmp/models" -maxdepth 1 -name '.*' ! -path "$tmp/models")" ]; }

compacts plain
ok "dead units are left out, layer by layer" says 'layer hidden1: 5 units, were 8'
ok "and the outputs are equal bit for bit" says '1024 random rows of the declared range: all outputs are equal bit for bit'
ok "that baselines go is told" says 'a baseline.json would be of other weights'
ok "the folder is a model of as many units" test "$(jq -c '[.layers[].units]' "$tmp/models/plain-compact/config.json")" = '[5,6,3]'
ok "its golden rows came along" cmp -s "$tmp/models/plain/1/golden.json" "$tmp/models/plain-compact/1/golden.json"
ok "its baseline did not" test ! -e "$tmp/models/plain-compact/1/baseline.json"
compacts plain
ok "a folder that is there is left alone" complains 'plain-compact is there already; --output names another'
compacts plain --output "$tmp/models/elsewhere/"
ok "--output names another" says "is in $tmp/models/elsewhere;"
said=$("$BIN" compact plain --model-dir "$tmp/models/plain/" --model-name plain 2>&1)
code=$?
ok "a slash after the model's folder changes nothing" complains "$tmp/models/plain-compact is there already"
for model in folded slopes wide emptied; do
    compacts "$model"
    ok "$model: compacted" says "model $model version 1 is in $tmp/models/$model-compact;"
done
ok "normalizations are in the weights" test "$(jq -c '[.layers[].type]' "$tmp/models/folded-compact/config.json")" = '[null,null]'
ok "a layer of dead units keeps one" test "$(jq -c '[.layers[].units]' "$tmp/models/emptied-compact/config.json")" = '[1,3]'

compacts alive
ok "a model without dead units is told so" complains "model 'alive' version 1: no unit is proven dead, so nothing can be left out"
compacts unranged
ok "and one without a range" complains "config.json declares no input.min and input.max, without which nothing can be proven"
compacts broken
ok "and one that does not load" complains 'weights.safetensors'
compacts none
ok "and one that is not there" complains "no model 'none'"
compacts plain --output "$tmp/no/such/folder"
ok "and a folder that cannot be made" complains 'No such file or directory'
ok "without a model the usage is" test "$("$BIN" compact >/dev/null 2>&1; echo $?)" = 2
ok "nothing is left behind" nothing_left

rm -r "$tmp/models/broken"
serve --models "$tmp/models"
for model in plain folded slopes emptied; do
    ok "$model: predictions over HTTP are the same to the byte" python3 -B tests/http/compact_models.py --compare "$address" "$model" 0
done
ok "wide: predictions over HTTP are the same to 1e-6" python3 -B tests/http/compact_models.py --compare "$address" wide 1e-6
ok "no unit of the compact model is proven dead any more" test \
    "$(curl -sS --noproxy '*' "$base/v1/models/plain-compact/advice" | jq 'any(.advice[]; .id == "proven_dead")')" = false
done_testing
