#!/usr/bin/env bash
# Series stay few, whatever clients do: per model, idle and busy; after everything that a stranger can send; with 500
# models, which the shipped Prometheus still takes. A version that failed to load has one series, which says so.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base and tmp
. "$(dirname "$0")/lib.sh"

scrape() { curl -sS --noproxy '*' --max-time $((60 * slack)) -o "$tmp/scrape" "$base/metrics"; }
# series [PATTERN]: samples of the last scrape
series() { grep -v '^#' "$tmp/scrape" | grep -cE "${1-.}"; }
at_most() { [ "$2" -le "$1" ] || { echo "# $2, at most $1"; return 1; }; }

serve --models configs/models
scrape
idle=$(series 'model="digits"')
total=$(series)
echo "# an idle model with two hidden layers: $idle series; the daemon: $total"
ok "an idle model has some series" [ "$idle" -ge 30 ]
ok "and 45 at most" at_most 45 "$idle"

busy() {
    req POST /v1/models/digits:predict @tests/data/digits/heldout.json && want 200 &&
        req POST /v1/models/digits:predict @configs/examples/digit.json && want 200 &&
        req POST /v1/models/digits:predict "$(jq -c '.set = 0.1' configs/examples/digit.json)" && want 200 '.sets == [["2"]]' &&
        req POST '/v1/models/digits:predict?non_finite=token' '{"instances": [[1, 2]]}' && want 400 &&
        req POST '/v1/models/digits/versions/1:predict' @configs/examples/digit.json && want 200
}
ok "it is used" busy
scrape
busy=$(series 'model="digits"')
echo "# busy: $busy series"
ok "a busy model has a histogram as well" [ "$busy" -gt "$idle" ]
ok "and 125 series at most, with a baseline of ten classes and sets" at_most 125 "$busy"
ok "no histogram carries a method or a code" [ "$(series '_bucket\{.*(method|code)=')" = 0 ]
ok "a model's histogram has 12 buckets at most" \
    at_most 12 "$(series '^axond_inference_duration_seconds_bucket\{model="digits"')"
ok "phases are sums and counts" [ "$(series '(parse|queue|compute|write)_seconds_bucket')" = 0 ]

# ---- without a baseline, and with one of a window, which has no calibration; every activation that a hidden layer may have
each=()
while read -r name; do
    each+=("$name")
    mkdir -p "$tmp/each/$name/1"
    jq -n --arg name "$name" '{task: "multiclass", input: {features: 4}, initializer: "he_normal", seed: 1,
        layers: [{units: 8, activation: $name}, {units: 6, activation: $name}, {units: 10, activation: "softmax"}]}' >"$tmp/each/$name/config.json"
done < <(curl -sS --noproxy '*' "$base/v1/activations" | jq -r '.activations[] | select(.kind != "gated") | .name')
serve --models "$tmp/each" --neuron-rows-min 3
# most: the model that has the most series, and how many
most() { for name in "${each[@]}"; do echo "$(series "model=\"$name\"") $name"; done | sort -n | tail -1; }
# each_at_most MOST NUMBER: they are told in any case
each_at_most() { echo "# the most: $2" && at_most "$1" "${2%% *}"; }
scrape
ok "there are many activations" [ "${#each[@]}" -ge 20 ]
ok "no idle model without a baseline has more than 45 series" each_at_most 45 "$(most)"
rows=$(jq -cn '{instances: [range(40) | [(. * 7 % 11) - 5, (. * 5 % 13) - 6, (. % 3) - 1, (. * 3 % 17) - 8]]}')
all_are_used() {
    local name
    for name in "${each[@]}"; do
        req POST "/v1/models/$name:predict?non_finite=null" "$rows" && want 200 && req POST "/v1/models/$name:predict" '{}' && want 400 || return 1
    done
}
ok "all are used" all_are_used
scrape
ok "no busy model of ten classes has more than 75" each_at_most 75 "$(most)"
ok "its classes are counted" [ "$(series '^axond_predictions_total\{model="relu"')" = 10 ]
ok "and its confidence, by the one bucket that a mean needs" \
    [ "$(series '^axond_prediction_confidence_(bucket|sum|count)\{model="relu"')" = 3 ]
all_get_a_baseline() {
    local name
    for name in "${each[@]}"; do req POST "/v1/models/$name:baseline" '{}' && want 200 || return 1; done
}
ok "all get a baseline" all_get_a_baseline
scrape
ok "the confidence has its buckets beside a baseline" [ "$(series '^axond_prediction_confidence_bucket\{model="relu"')" = 12 ]
ok "which count what came before it" \
    [ "$(metric 'axond_prediction_confidence_bucket{model="relu",version="1",le="1.0"}')" = 40 ]
# 10 more come with a calibration: the sizes of sets, and the expected accuracy.
ok "no busy model with a baseline has more than 125" each_at_most 115 "$(most)"

serve --models configs/models
# ---- a stranger: every path with every method, and what is wrong with each in many ways
paths=(/ /nowhere /metrics /openapi.json /v2/health/live /v2/health/ready /v1/models /v1/models/digits /v1/activations
    /v1/activations/relu /v1/losses /v1/losses/mse /v1/models/digits:predict /v1/models/x:predict /v1/models/digits/metadata
    /v1/models/digits/versions/1 /v1/models/digits/versions/7:predict /v1/models/digits/labels/x /v1/models/digits/labels/x:predict)
flags=('-d {}' '-d nonsense' '-H content-type:application/xml -d {}' '-H content-encoding:gzip -d {}' '-H host:'
    '-H transfer-encoding:gzip -d {}' '-H expect:100-continue -d {}' '-H accept:nothing')
stranger() {
    local method path flag
    for method in GET POST PUT DELETE PATCH OPTIONS TRACE BREW FOO; do
        for flag in "${flags[@]}"; do
            # shellcheck disable=SC2086 # flags are words
            curl -sS --noproxy '*' --max-time 60 -X "$method" $flag "${paths[@]/#/$base}" >/dev/null 2>&1
        done
    done
    for path in "${paths[@]}"; do
        curl -sS --noproxy '*' --max-time 60 -I "$base$path" >/dev/null 2>&1
        curl -sS --noproxy '*' --max-time 60 "$base$path?what=$RANDOM" -H "x: $(printf '%070000d' 0)" >/dev/null 2>&1
    done
    return 0
}
scrape
before=$(series)
ok "a stranger tries everything" stranger
scrape
after=$(series)
echo "# $before series before, $after after"
ok "which made series" [ "$after" -gt "$before" ]
ok "but did not double them" at_most $((2 * before - 1)) "$after"
ok "and 256 is all that it can ever add" at_most $((before + 257)) "$after"
ok "no method of its own is there" [ "$(series 'method="(BREW|FOO|TRACE|PATCH)"')" = 0 ]

# ---- a version that failed to load
mkdir -p "$tmp/broken/bad" "$tmp/broken/good/1"
echo '{"input": {"features": 1}, "layers": [{"units": "many"}]}' >"$tmp/broken/bad/config.json"
cat >"$tmp/broken/good/config.json" <<'EOC'
{"input": {"features": 2}, "initializer": "he_normal", "seed": 1,
 "layers": [{"name": "hidden1", "units": 4, "activation": "relu"}, {"name": "hidden2", "units": 4, "activation": "relu"},
            {"name": "output", "units": 2, "activation": "softmax"}]}
EOC
serve --models "$tmp/broken"
scrape
ok "a model that failed at start is not ready" [ "$(metric 'axond_model_ready{model="bad",version="1"}')" = 0 ]
ok "and has no other series" [ "$(series 'model="bad"')" = 1 ]
ok "the other one is" [ "$(metric 'axond_model_ready{model="good",version="1"}')" = 1 ]
cp "$tmp/broken/good/config.json" "$tmp/broken/bad/config.json"
kill -HUP "$pid"
mended() { [ "$(metric 'axond_model_ready{model="bad",version="1"}')" = 1 ]; }
ok "once it is mended it is ready" wait_for 100 mended
scrape
ok "and has the series of a model" [ "$(series 'model="bad"')" = "$(series 'model="good"')" ]
ok "of which none stands twice" [ -z "$(grep -v '^#' "$tmp/scrape" | sed 's/ [^ ]*$//' | sort | uniq -d)" ]

# ---- 500 models
many=500
for i in $(seq "$many"); do
    mkdir -p "$tmp/many/m$i/1"
    cp "$tmp/broken/good/config.json" "$tmp/many/m$i/config.json"
done
serve --models "$tmp/many"
scrape
limit=$(sed -n 's/^ *sample_limit: //p' configs/prometheus/prometheus.yml)
all=$(series)
echo "# $many models: $all series, sample_limit $limit"
ok "$many models serve" [ "$(series '^axond_model_ready.* 1$')" = "$many" ]
ok "each with 45 series at most" at_most $((many * 45)) "$(series 'model="')"
ok "and if all were busy, the shipped sample_limit would take them" [ $((all + many * 30)) -lt "${limit:-0}" ]
if command -v promtool >/dev/null; then
    promtool_is_silent() { promtool check metrics <"$tmp/scrape" >"$tmp/promtool" 2>&1 && [ ! -s "$tmp/promtool" ]; }
    ok "promtool says nothing" promtool_is_silent
else
    skip "promtool says nothing" "promtool is not installed (Debian: prometheus)"
fi
done_testing
