#!/usr/bin/env bash
# The server as Triton's clients see it: statistics that agree with /metrics, the log level, models without memory for another.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body, pid and tmp
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/models.bash"

put_config m ', "versions": {"policy": "all"}'
put_weights m 1 1
put_weights m 2 2
serve --models "$tmp/models" --threads 1

# ---- statistics
count() { req POST "/v1/models/m/versions/$1:predict" "$2"; }
count 1 '{"instances": [[1], [2], [3]]}'
count 1 '{"instances": [[1]]}'
count 1 '{"instances": [[1, 2]]}'
count 2 '{"instances": [[1], [2]]}'
# stat VERSION JQ: of that version
stat() { req GET "/v2/models/m/versions/$1/stats" && want 200 ".model_stats | length == 1 and (.[0] | .name == \"m\" and .version == \"$1\" and ($2))"; }
now=$(date +%s%3N)
ok "rows, passes and outcomes of one version" stat 1 '.inference_count == 4 and .execution_count == 2 and .inference_stats.success.count == 2 and .inference_stats.fail.count == 1'
ok "and of the other"                        stat 2 '.inference_count == 2 and .execution_count == 1 and .inference_stats.success.count == 1 and .inference_stats.fail.count == 0'
ok "each has all of perf_analyzer's numbers" stat 1 '[.inference_stats[["success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"][]] | .count, .ns] | all(type == "number" and . >= 0 and . == floor)'
ok "the last answer was just now"            stat 1 ".last_inference > $now - 60000 and .last_inference <= $now"
ok "time was taken"                          stat 1 '.inference_stats | .success.ns > 0 and .fail.ns > 0 and .compute_input.ns > 0 and .compute_infer.ns > 0 and .cache_hit.count == 0'
# agrees COUNT METRIC: the sum over versions is what the metric says
agrees() {
    req GET /v2/models/m/stats
    jq -e --argjson sum "$(curl -sS --noproxy '*' "$base/metrics" | grep -E "^$2 " | awk '{ n += $NF } END { printf "%.17g", n }')" \
        "([.model_stats[] | $1] | add) as \$stats | \$sum > 0 and (\$stats / \$sum - 1 | fabs) < 1e-9" <<<"$body" >/dev/null
}
ok "rows are those of the metrics"           agrees .inference_count 'axond_inference_rows_total\{model="m",.*\}'
ok "and so are passes"                       agrees .execution_count 'axond_inference_batches_total\{model="m",.*\}'
ok "successes"                               agrees .inference_stats.success.count 'axond_inference_requests_total\{model="m",.*outcome="success"\}'
ok "failures"                                agrees .inference_stats.fail.count 'axond_inference_requests_total\{model="m",.*outcome="(invalid|rejected|cancelled|deadline|error)"\}'
ok "and the time of their reading"           agrees '.inference_stats.compute_input.ns / 1e9' 'axond_inference_parse_seconds_sum\{model="m"\}'
ok "and the time of the passes"              agrees '.inference_stats.compute_infer.ns / 1e9' 'axond_inference_compute_seconds_sum\{model="m"\}'
req GET /v2/models/stats
ok "all models together are all versions"    want 200 '[.model_stats[] | .name + .version] == ["m1", "m2"]'

# ---- a thousand models, which a worker lists
for i in $(seq 300); do
    mkdir "$tmp/models/w$i"
    cp "$tmp/models/m/config.json" "$tmp/models/w$i/"
    mkdir "$tmp/models/w$i/1"
    cp "$tmp/models/m/1/weights.safetensors" "$tmp/models/w$i/1/"
done
kill -HUP "$pid"
all() { req POST /v2/repository/index '{"ready": true}' && want 200 'length == 302'; }
ok "300 models more are listed"              wait_for 200 all
req GET /v2/models/stats
ok "and their statistics"                    want 200 '.model_stats | length == 302'
req GET /v2/models
ok "and their names"                         want 200 '.models | length == 301'

# ---- the log level
req GET /v2/logging
ok "the level is info, says Triton's GET"    want 200 '.log_info and .log_warning and .log_error and .log_verbose_level == 0'
logged() { [ "$(grep -c 'event=request ' "$tmp/log")" = "$1" ]; }
req POST /v2/logging '{"log_info": false}'
ok "information is turned off"               want 200 '.log_info == false and .log_warning'
before=$(wc -l <"$tmp/log")
req POST /v2/repository/models/w1/unload
ok "and not logged any more"                 [ "$(wc -l <"$tmp/log")" = "$before" ]
req POST /v2/logging '{"log_warning": true, "log_info": false, "log_verbose_level": 0, "log_format": "default", "log_file": ""}'
ok "all keys may be given"                   want 200 '.log_info == false'
req POST /v2/logging '{"log_verbose_level": 3}'
ok "a verbose level is debug, with all above it" want 200 '.log_verbose_level == 1 and .log_info and .log_warning'
req POST /v2/logging '{"log_warning": false}'
ok "no level goes without those above it"    want 400 '.error | test("^log_warning: .*log_info")'
req POST /v2/logging '{"log_infos": true}'
ok "an unknown key is told with the nearest" want 400 '.error | test("did you mean .log_info")'
req POST /v2/logging 'log_info=false'
ok "a body that is no JSON"                  want 400 '.code == "bad_json"'
kill -HUP "$pid"
back() { req GET /v2/logging && want 200 '.log_verbose_level == 0 and .log_info'; }
ok "SIGHUP brings the level of the options back" wait_for 50 back

# ---- a platform's models, and no memory for one of them
rm -r "$tmp/models"/w*
mkdir -p "$tmp/wide"
jq -n '{input: {features: 4096}, initializer: "he_normal", seed: 1, layers: [{units: 65000, activation: "relu"}]}' >"$tmp/wide/config.json"
load() { req POST /models "$(jq -cn --arg name "$1" --arg url "$2" '{model_name: $name, url: $url}')"; }
if [ -n "${TEST_SLOW-}" ]; then
    skip "a model without memory is 507"     "a sanitizer needs all addresses"
else
    serve --models "$tmp/models" --multi-model
    prlimit --pid "$pid" --as=$((($(awk '/^VmSize:/ { print $2 }' "/proc/$pid/status") + (200 << 10)) * 1024))
    load wide "$tmp/wide"
    ok "a model without memory is 507"       want 507 '.code == "no_room"'
    req GET /models
    ok "and is not there"                    want 200 '[.models[].modelName] == ["m"]'
    req POST /v1/models/m:predict '{"instances": [[1]]}'
    ok "the others go on"                    want 200 '.predictions == [[2]]'
    load another "$tmp/models/m"
    ok "a smaller one finds room"            want 200
    req POST /models/another/invoke '{"instances": [[1]]}'
    ok "and answers"                         want 200 '.predictions == [[2]]'
fi
for name in "a/b" "ü" "$(printf 'n%.0s' $(seq 300))" '{model}' '..' '%2F' 'wine.tar.gz'; do
    load "$name" "$tmp/models/m"
    ok "a model may be called ${name:0:12}"  want 200
    encoded=$(jq -rn --arg name "$name" '$name | @uri')
    req POST "/models/$encoded/invoke" '{"instances": [[1]]}'
    ok "and answers under that name"         want 200 '.predictions == [[2]]'
    req DELETE "/models/$encoded"
    ok "and goes"                            want 200
done
req DELETE /models/nobody
ok "one that is not there is 404"            want 404 '.code == "unknown_model"'
req PUT /models/m
ok "other methods are 405 with what it takes" want 405
ok "among which is DELETE"                   grep -qi '^allow:.*DELETE' <<<"$headers"

done_testing
