#!/usr/bin/env bash
# Neuron metrics on a network whose every output can be worked out by hand: three units planted dead, one
# that fires rarely.  A zero output is not a dead unit; health checks and golden rows are no traffic; a request that
# is refused counts nothing, and one bad row of a request that is answered costs that row.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

# x = (a, b, c, d); a hidden unit fires where its sum is above 0:
#
#   unit    0  1  2  3  4              5 6 7
#   sum     a  b  c  d  a+b+c+d - 9    -1
mkdir -p "$tmp/models/planted/1"
cat >"$tmp/models/planted/config.json" <<'EOF'
{
  "task": "regression",
  "input": {"name": "x", "features": 4},
  "layers": [
    {"name": "hidden1", "units": 8, "activation": "relu",
     "weight": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1],
                [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
     "bias": [0, 0, 0, 0, -9, -1, -1, -1]},
    {"name": "output", "units": 2, "activation": "identity",
     "weight": [[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]], "bias": [0.5, 0]}
  ],
  "output": {"name": "y"}
}
EOF
# Every unit but the dead ones fires on this row: if golden rows counted, the first check would see it.
echo '{"instances": [[4, 4, 4, 4]], "predictions": [[16.5, 7]], "tolerance": 1e-6}' >"$tmp/models/planted/1/golden.json"

series() { echo "$1{model=\"planted\",version=\"1\"${2+,layer=\"$2\"}${3+,window=\"$3\"}}"; }

# is VALUE NAME [LAYER [WINDOW]]
is() {
    local value
    value=$(metric "$(series "${@:2}")")
    [ "$value" != NaN ] || [ "$1" != NaN ] || return 0
    if [ -z "$value" ] || [ "$value" = NaN ] || [ "$1" = NaN ] || awk "BEGIN { d = $value - ($1); exit d * d < 1e-20 }"; then
        echo "# $(series "${@:2}") ${value:-is missing}, not $1"
        return 1
    fi
}

# counts ROWS OUTPUTS ZEROS DEAD-RATIO: what hidden1 must show in both windows
counts() {
    is "$1" axond_neuron_rows_total && is "$2" axond_relu_outputs_total hidden1 &&
        is "$3" axond_relu_zero_outputs_total hidden1 || return 1
    local window
    for window in load 60s; do
        is "$4" axond_dead_relu_ratio hidden1 "$window" && is "${5-$4}" axond_silent_unit_ratio hidden1 "$window" || return 1
    done
    [ "$2" = 0 ] || is "$3 / $2" axond_relu_zero_fraction hidden1
}

predict() { req POST /v1/models/planted:predict "{\"instances\": $1}"; }

serve --models "$tmp/models" --neuron-rows-min 3
ok "after loading nothing has been counted, golden rows neither, and nothing is known" counts 0 0 0 NaN

predict '[[1, 1, 1, 1], [-1, 2, 0, 1], [0, 0, 0, 0]]'
ok "the answers are as worked out" want 200 '.predictions == [[4.5, 0], [3.5, 0], [0.5, 0]]'
#   zeros: units 4-7; units 0, 2, 4-7; all
ok "18 of 24 outputs were zero; unit 4 has not fired yet: 4 of 8 units look dead" counts 3 24 18 0.5

predict '[[1, 2, 3, 4]]'
ok "unit 4 fires" want 200 '.predictions == [[10.5, 1]]'
ok "21 of 32 outputs were zero; only the 3 planted units are dead" counts 4 32 21 0.375

req GET /metrics
ok "the output layer, which has no exact zeros, has no such metrics" [ "${body/layer=\"output\"/}" = "$body" ]

probes() {
    for _ in 1 2 3; do
        req GET /v2/health/ready && want 200 && req GET /v2/health/live && want 200 &&
            "$BIN" --listen "$address" --health || return 1
    done
}
ok "health checks succeed" probes
ok "and change nothing" counts 4 32 21 0.375

predict '[[1, 2, 3]]'
ok "a row of the wrong length is refused" want 400 '.error | length > 0'
predict '[[1, 2, 3, 4], [1, 2, 3, "4"]]'
ok "so are rows of which only the last is wrong" want 400 '.error | length > 0'
predict '[[3e38, 3e38, 3e38, 3e38], [9, 9, 9, 9]]'
ok "so is a row whose result overflows" want 400 '.code == "non_finite"'
predict '[[1, 2, 3, 4], [9, 9, 9, 9]], "top_k": 1'
ok "and what asks for labels that there are none of" want 400
ok "and refused rows are not counted" counts 4 32 21 0.375
inference() { metric "axond_inference_$1_total{model=\"planted\",version=\"1\"}"; }
ok "nowhere: rows" [ "$(inference rows)" = 4 ]
ok "nor forward passes" [ "$(inference batches)" = 2 ]
ok "nor skipped ones" is 0 axond_neuron_rows_skipped_total
req POST '/v1/models/planted:predict?non_finite=token' '{"instances": [[NaN, 1, 1, 1], [1, 2, 3, 4]]}'
ok "NaN goes through the network if asked to" want 200
ok "wakes no dead unit, and costs its own row only" counts 5 40 24 0.375
ok "which is counted as skipped" is 1 axond_neuron_rows_skipped_total
ok "its answer is a row like any other" [ "$(inference rows)" = 6 ]

# ---- one row of 64 has a NaN, ten times over
nan_requests() {
    local rows
    rows=$(jq -cn '[range(64) | [., 1, 2, 1]]')
    rows=${rows/\[5,1/[NaN,1}
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        req POST '/v1/models/planted:predict?non_finite=token' "{\"instances\": $rows}"
        want 200 '.predictions | length == 64' || return 1
    done
}
serve --models "$tmp/models"
ok "ten requests of 64 rows are answered, of which one has a NaN" nan_requests
ok "630 rows are counted" is 630 axond_neuron_rows_total
ok "ten are skipped" is 10 axond_neuron_rows_skipped_total
ok "630 rows of 8 outputs" is 5040 axond_relu_outputs_total hidden1
ok "and that is evidence: three units are dead" is 0.375 axond_dead_relu_ratio hidden1 60s

# ---- a long request that is refused, by its first row, after all of it was computed
serve --models "$tmp/models" --inline-us-max 0
predict "$(jq -cn '[[3.4e38, 3.4e38, 3.4e38, 3.4e38]] + [range(599) | [1, 2, 3, .]]')"
ok "600 rows of which the first is not finite are refused" want 400 '.code == "non_finite"'
ok "no row is counted" counts 0 0 0 NaN

# ---- evidence
serve --models "$tmp/models"
predict '[[1, 1, 1, 1]]'
ok "after one row half of the units are silent, and nobody says dead" counts 1 8 4 NaN 0.5
predict "$(jq -cn '[range(400) | [1, 1, 1, 1]]')"
ok "nor after 401 equal rows" counts 401 3208 1604 NaN 0.5
predict '[[1, 1, 1, 2]]'
ok "one other row makes a verdict" counts 402 3216 1608 0.5 0.5

# ---- unit by unit: the same counts as the metrics', over GET .../neurons
neurons() { req GET "/v1/models/planted${2-}/neurons?$1"; }
serve --models "$tmp/models" --neuron-rows-min 3
neurons window=load
ok "before the first row nothing is known" want 200 '.rows == 0 and .evidence == {min_rows: 3, firing_rate_upper95: 1} and
    .stats == "full" and .every == 1 and .non_finite == {count: 0, first: null} and
    .layers == [{name: "hidden1", activation: "relu", units: 8, rows: 0, zero_fraction: null,
                 dead: {count: 0, ratio: null, units: []}, suspect: {count: 8, ratio: 1, units: [0, 1, 2, 3, 4, 5, 6, 7]},
                 proven_dead: {count: 0, ratio: 0, units: []}, dormant: {count: 0, ratio: null, units: []},
                 saturated: {low: null, high: null, units: []}, mean: null, std: null, derivative_mean: null,
                 derivative_rows: 0, non_finite: 0}]'
predict '[[1, 1, 1, 1], [-1, 2, 0, 1]]'
neurons 'units=true&window=60s'
ok "two of the three rows that it takes: units are suspect, none is dead" want 200 '.rows == 2 and .window == "60s" and
    (.layers[0] | .dead == {count: 0, ratio: null, units: []} and .suspect == {count: 4, ratio: 0.5, units: [4, 5, 6, 7]} and
     (.units_detail | map(.state) | .[4:] == ["suspect", "suspect", "suspect", "suspect"]))'
predict '[[0, 0, 0, 0]]'
neurons 'units=true&layer=hidden1&top_k=2'
ok "the third is evidence" want 200 '.model == "planted" and .version == "1" and .rows == 3 and
    (.evidence.firing_rate_upper95 - (1 - pow(0.05; 1 / 3)) | fabs) < 1e-8 and
    (.layers[0] | .zero_fraction == 0.75 and .dead == {count: 4, ratio: 0.5, units: [4, 5]} and .suspect.count == 0)'
ok "each unit has its own count" want 200 '.layers[0].units_detail | map(.fired) == [1, 2, 1, 2, 0, 0, 0, 0] and
    map(.state) == ["alive", "alive", "alive", "alive", "dead", "dead", "dead", "dead"] and .[3].unit == 3 and
    (.[3].firing_rate - 2 / 3 | fabs) < 1e-8'
ok "and the metrics say the same" counts 3 24 18 0.5
#   rows: hidden outputs are [1 1 1 1 0 0 0 0], [0 2 0 1 0 0 0 0], 0; z > 0 on 6 of 24
ok "moments, slopes and scores are as worked out" want 200 '.layers[0] | (.mean - 7 / 24 | fabs) < 1e-7 and
    (.std - (9 / 24 - 49 / 576 | sqrt) | fabs) < 1e-7 and .derivative_mean == 0.25 and .derivative_rows == 3 and
    .dormant == {count: 4, ratio: 0.5, units: [4, 5]} and .saturated.low == null and .proven_dead.count == 0 and
    (.units_detail[1] | .mean == 1 and (.std - (2 / 3 | sqrt) | fabs) < 1e-7 and .saturated_fraction == null and
     (.dormant_score - 24 / 7 | fabs) < 1e-7 and .contribution == 1 and .firing_rate_upper95 == null and
     (.last_active - now | fabs) < 60) and
    (.units_detail[5] | .mean == 0 and .std == 0 and .dormant_score == 0 and .last_active == null and
     (.firing_rate_upper95 - (1 - pow(0.05; 1 / 3)) | fabs) < 1e-8)'
metrics_of() { is "7 / 24" axond_activation_mean hidden1 && is 0.25 axond_derivative_mean hidden1 && is 0.5 axond_dormant_unit_ratio hidden1; }
ok "in the metrics, too" metrics_of
neurons 'units=true&sort=firing_rate'
ok "the least active come first" want 200 '.layers[0].units_detail | map(.unit) == [4, 5, 6, 7, 0, 2, 1, 3]'
neurons 'units=true&sort=dormant_score'
ok "or those of the smallest outputs" want 200 '.layers[0].units_detail | map(.unit) == [4, 5, 6, 7, 0, 2, 3, 1]'
predict '[[1, 1, 1, 1], [3e38, 3e38, 3e38, 3e38]]'
ok "a row that overflows is refused" want 400 '.code == "non_finite"'
neurons window=load
ok "yet its place is known: the last but one unit of the output" want 200 '.rows == 3 and .non_finite.count == 3 and
    (.non_finite.first | .layer == "hidden1" and .unit == 4 and .row == 1) and .layers[0].non_finite == 1'
neurons units=false /versions/1
ok "a version has its own" want 200 '.layers[0] | .dead.units == [4, 5, 6, 7] and has("units_detail") == false'
neurons layer=output
ok "the output has no figures" want 400 '.code == "bad_request" and (.error | contains("hidden layers are hidden1"))'
serve --models "$tmp/models" --neuron-stats off
predict '[[1, 1, 1, 1]]'
neurons window=load
ok "whoever does not count says nothing" want 200 '.rows == 0 and .layers == [] and .stats == "off"'

# A window of two seconds forgets what the one since load remembers; but not the last rows, if it needs them.
serve --models "$tmp/models" --neuron-window 2 --neuron-rows-min 2
predict '[[1, 2, 3, 4], [4, 3, 2, 1]]'
ok "in a window of two seconds unit 4 fires" is 0.375 axond_dead_relu_ratio hidden1 2s
sleep 2.3
ok "as long as there are no others these rows are the window" is 0.375 axond_dead_relu_ratio hidden1 2s
predict '[[1, 1, 1, 1], [1, 1, 1, 2]]'
ok "two seconds later that is forgotten" is 0.5 axond_dead_relu_ratio hidden1 2s
ok "but not since load" is 0.375 axond_dead_relu_ratio hidden1 load

done_testing
