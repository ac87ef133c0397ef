#!/usr/bin/env bash
# Health of layers without exact zeros, and of models that watch one row in some, or none.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

# model NAME MEMBERS: hidden tanh units see x, 20 x, -1 always; then softmax over two; then a sum
model() {
    mkdir -p "$tmp/models/$1/1"
    cat >"$tmp/models/$1/config.json" <<END
{
  "task": "regression", "input": {"name": "x", "features": 1}, $2
  "layers": [
    {"name": "curves", "units": 3, "activation": "tanh", "weight": [[1], [20], [0]], "bias": [0, 0, -1]},
    {"name": "shares", "units": 2, "activation": "softmax", "weight": [[1, 0, 0], [0, 1, 0]], "bias": [0, 0]},
    {"name": "output", "units": 1, "activation": "identity", "weight": [[1, 1]], "bias": [0]}
  ]
}
END
}
model all ''
model some '"neurons": {"stats": "sampled", "every": 4},'
model none '"neurons": {"stats": "off"},'

mkdir -p "$tmp/models/far/1"
cat >"$tmp/models/far/config.json" <<'END'
{"task": "regression", "input": {"name": "x", "features": 1}, "layers": [
 {"name": "hidden1", "units": 4, "activation": "identity", "weight": [[1], [0.001], [-1], [1]], "bias": [0, 0, 0, 100]},
 {"name": "output", "units": 1, "activation": "identity", "weight": [[1, 1, 1, 1]], "bias": [0]}]}
END

# The second unit's score is 2 w / (1 + w) by its weight w: 0.02489, and 0.02508.
mkdir -p "$tmp/models/faint/1"
cat >"$tmp/models/faint/config.json" <<'END'
{"task": "regression", "input": {"name": "x", "features": 1}, "layers": [
 {"name": "below", "units": 2, "activation": "relu", "weight": [[1], [0.0126]], "bias": [0, 0]},
 {"name": "above", "units": 2, "activation": "relu", "weight": [[1, 0], [0.0127, 0]], "bias": [0, 0]},
 {"name": "output", "units": 1, "activation": "identity", "weight": [[1, 1]], "bias": [0]}]}
END

predict() { req POST "/v1/models/$1:predict" "{\"instances\": $2}" && want 200; }
neurons() { req GET "/v1/models/$1/neurons?units=true"; }
rows='[[-1], [-0.5], [0.5], [1]]'

serve --models "$tmp/models" --neuron-rows-min 4
ok "four rows are answered" predict all "$rows"
neurons all
ok "a unit that never fires is silent, not dead" want 200 '.layers[0] | has("dead") == false and .zero_fraction == null and
    (.units_detail | map(.state) == ["alive", "alive", "silent"] and map(.fired) == [2, 2, 0])'
ok "the steep one is saturated on both sides" want 200 '.layers[0] |
    .saturated.units == [1] and ([.saturated.low, .saturated.high | . - 1 / 6 | fabs] | max) < 1e-8 and
    (.units_detail | map(.saturated_fraction) == [0, 1, 0])'
ok "the mean slope is that of 1 - y^2" want 200 '.layers[0] | .derivative_rows == 4 and
    (.derivative_mean - (2 * 0.41997434 + 2 * 0.78644773 + 4 * 0.41997434) / 12 | fabs) < 1e-4'
ok "a rowwise layer has no dead units, no ends and no slope" want 200 '.layers[1] | .name == "shares" and .rows == 4 and
    has("dead") == false and .saturated == {low: null, high: null, units: []} and .derivative_mean == null and
    (.mean - 0.5 | fabs) < 1e-6'

twenty() { for _ in 1 2 3 4 5; do predict some "$rows" || return 1; done; }
ok "twenty rows of a model that watches one in four" twenty
neurons some
ok "five were seen" want 200 '.rows == 5 and .stats == "sampled" and .every == 4 and .layers[0].units_detail[0].fired == 0'
ok "and the metrics say so" [ "$(metric 'axond_neuron_rows_total{model="some",version="1"}')" = 5 ]

ok "a model that watches nothing answers" predict none "$rows"
neurons none
ok "and says nothing" want 200 '.rows == 0 and .stats == "off" and .layers == []'
req GET /metrics
ok "nor have its layers metrics" [ "$(grep -c 'model="none".*layer=' <<<"$body")" = 0 ]

# ---- where a verdict begins
ok "rows are answered by a model with a faint unit" predict faint '[[1], [2], [3], [4]]'
neurons faint
ok "up to 0.025 of the layer's mean a unit is dormant, and above it is not" want 200 '.layers | map(.dormant.units) == [[1], []]'
steep() { predict all "$(jq -cn --argjson zeros "$1" '[range(100) | if . < $zeros then [0] else [1] end]')" && neurons all; }
serve --models "$tmp/models" --neuron-rows-min 4
ok "two of 100 rows in the middle" steep 2
ok "a unit that is at its end on 98 is not saturated" want 200 '.layers[0].saturated.units == []'
serve --models "$tmp/models" --neuron-rows-min 4
ok "one of 100" steep 1
ok "one that is on 99 is" want 200 '.layers[0] | .saturated.units == [1] and .units_detail[1].saturated_fraction == 0.99'

ok "a row far from all others costs means and deviations no more digits than is written" python3 -B tests/http/far_row.py "$base"

done_testing
