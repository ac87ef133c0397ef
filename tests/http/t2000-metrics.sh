#!/usr/bin/env bash
# /metrics: what is counted, under which labels, in both formats; promtool finds nothing to say.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

# is SERIES VALUE: a reply may be counted a moment after the client has read it
is() { wait_for 20 has "$1" "$2"; }
has() { [ "$(metric "$1")" = "$2" ]; }
scrape() { curl -sS --noproxy '*' -H "Accept: ${1:-}" -D "$tmp/headers" -o "$tmp/body" "$base/metrics"; }
is_type() { tr -d '\r' <"$tmp/headers" | grep -qixF "content-type: $1"; }
promtool_is_silent() {
    scrape
    promtool check metrics <"$tmp/body" >"$tmp/promtool" 2>&1 && [ ! -s "$tmp/promtool" ] && return
    sed 's/^/# /' "$tmp/promtool"
    return 1
}
digit() { req POST /v1/models/digits:predict @configs/examples/digit.json; }

serve --models configs/models
ok "the text format is 0.0.4" eval 'scrape && is_type "text/plain; version=0.0.4; charset=utf-8"'
if command -v promtool >/dev/null; then
    ok "promtool says nothing before the first request" promtool_is_silent
else
    skip "promtool says nothing before the first request" "promtool is not installed (Debian: prometheus)"
fi

# ---- known series start at 0
ok "requests by route and method start at 0" \
    has 'axond_http_requests_total{route="/v1/models/{model}:predict",method="POST",code="200"}' 0
ok "rejections start at 0" has 'axond_http_rejected_total{reason="body_timeout"}' 0
ok "outcomes start at 0" has 'axond_inference_requests_total{model="digits",version="1",outcome="error"}' 0
ok "errors in the log start at 0" has 'axond_log_messages_total{level="error"}' 0
ok "activations start at 0" has 'axond_activation_outputs_total{activation="gelu_tanh"}' 0
ok "models tell that they serve" has 'axond_model_ready{model="digits",version="1"}' 1
ok "and for what" has 'axond_model_info{model="digits",version="1",task="multiclass"}' 1
ok "the first load was a success" has axond_reload_successful 1
ok "just now" eval 'awk -v t="$(metric axond_reload_success_timestamp_seconds)" -v n="$EPOCHSECONDS" "BEGIN { exit !(n - t < 60 && t - n < 2) }"'

# ---- inference
digit
ok "a digit is answered" want 200
digit
req POST /v1/models/digits:predict '{"instances": [[1, 2]]}'
ok "a row of the wrong width is refused" want 400
ok "two successes" is 'axond_inference_requests_total{model="digits",version="1",outcome="success"}' 2
ok "one invalid" is 'axond_inference_requests_total{model="digits",version="1",outcome="invalid"}' 1
ok "two rows" is 'axond_inference_rows_total{model="digits",version="1"}' 2
ok "in two batches" is 'axond_inference_batches_total{model="digits",version="1"}' 2
ok "compute was timed" is 'axond_inference_compute_seconds_count{model="digits"}' 2
ok "so was all of what was answered" is 'axond_inference_duration_seconds_count{model="digits"}' 2
ok "the other model has no histogram yet" has 'axond_inference_duration_seconds_count{model="breast-cancer"}' ""
ok "the other model has none" is 'axond_inference_rows_total{model="breast-cancer",version="1"}' 0
ok "200 by route" is 'axond_http_requests_total{route="/v1/models/{model}:predict",method="POST",code="200"}' 2
ok "400 by route" is 'axond_http_requests_total{route="/v1/models/{model}:predict",method="POST",code="400"}' 1
ok "each with a duration" \
    is 'axond_http_request_duration_seconds_bucket{route="/v1/models/{model}:predict",le="+Inf"}' 3
ok "neurons saw the rows" is 'axond_neuron_rows_total{model="digits",version="1"}' 2
ok "their outputs are rows x units" is 'axond_relu_outputs_total{model="digits",version="1",layer="hidden1"}' 256
ok "two rows are no evidence of dead units" \
    is 'axond_dead_relu_ratio{model="digits",version="1",layer="hidden1",window="60s"}' NaN

# ---- activations
req POST /v1/activations/relu '{"data": [-1, 2, -3, 4, 5]}'
ok "values by activation" is 'axond_activation_outputs_total{activation="relu"}' 5
ok "zeros by activation" is 'axond_activation_zero_outputs_total{activation="relu"}' 2
req POST /v1/activations/swish '{"data": [1]}'
ok "an alias counts as what it is" is 'axond_activation_outputs_total{activation="silu"}' 1

# ---- no label from outside
for i in 1 2 3; do
    req GET "/random/path-$i"
    req "BREW$i" /v1/models
    req GET "/v1/models/model-$i"
done
ok "unknown paths are one route" is 'axond_http_requests_total{route="other",method="GET",code="404"}' 3
ok "a model's name in a path is no label" is 'axond_http_requests_total{route="/v1/models/{model}",method="GET",code="404"}' 3
scrape
ok "nothing that a client made up is there" eval '! grep -qE "BREW|random|model-[0-9]" "$tmp/body"'
ok "unknown methods are other" grep -q 'method="other"' "$tmp/body"

# ---- health traffic counts as requests only
rows=$(metric 'axond_neuron_rows_total{model="digits",version="1"}')
req GET /v2/health/ready
req GET /v2/health/live
ok "health checks are no rows" is 'axond_neuron_rows_total{model="digits",version="1"}' "$rows"
ok "but requests" is 'axond_http_requests_total{route="/v2/health/ready",method="GET",code="200"}' 1
ok "one request is in flight: the scrape itself" is axond_http_requests_in_flight 1
ok "bytes of bodies come in" eval '[ "$(metric axond_http_request_bytes_total)" -gt 100 ]'
ok "and go out" eval '[ "$(metric axond_http_response_bytes_total)" -gt 10000 ]'

# ---- the process
ok "resident memory is the kernel's figure" \
    eval 'awk -v m="$(metric process_resident_memory_bytes)" -v k="$(awk "/VmRSS/ { print \$2 * 1024 }" "/proc/$pid/status")" \
        "BEGIN { exit !(m > k * 0.5 && m < k * 2) }"'
ok "threads as well" has process_threads "$(awk '/^Threads/ { print $2 }' "/proc/$pid/status")"
ok "the start was after this script's" \
    eval 'awk -v t="$(metric process_start_time_seconds)" -v n="$EPOCHSECONDS" -v s="$SECONDS" "BEGIN { exit !(t >= n - s - 3 && t <= n + 1) }"'

# ---- formats
if command -v promtool >/dev/null; then
    ok "promtool says nothing after all that" promtool_is_silent
else
    skip "promtool says nothing after all that" "promtool is not installed (Debian: prometheus)"
fi
scrape 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
ok "OpenMetrics on request" is_type "application/openmetrics-text; version=1.0.0; charset=utf-8"
ok "ends with its mark" eval '[ "$(tail -n1 "$tmp/body")" = "# EOF" ]'
ok "names counters' families without _total" grep -qxF '# TYPE axond_http_requests counter' "$tmp/body"
cp "$tmp/body" "$tmp/openmetrics"
scrape
ok "both formats hold the same series" eval \
    'diff <(grep -v "^#" "$tmp/body" | sed "s/ [^ ]*$//") <(grep -v "^#" "$tmp/openmetrics" | sed "s/ [^ ]*$//") >"$tmp/diff"'
ok "no series stands twice" eval '[ -z "$(grep -v "^#" "$tmp/body" | sed "s/ [^ ]*$//" | sort | uniq -d)" ]'
if python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null; then
    ok "the Python client's strict OpenMetrics parser reads it" python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
sys.exit(len(list(parse(open(sys.argv[1]).read()))) < 20)' "$tmp/openmetrics"
else
    skip "the Python client's strict OpenMetrics parser reads it" "python3-prometheus-client is not installed"
fi

# ---- reload: a version loaded again starts over, what is per model goes on
mkdir "$tmp/models"
cp -r configs/models/digits "$tmp/models/"
serve --models "$tmp/models"
digit
is 'axond_inference_rows_total{model="digits",version="1"}' 1
touch "$tmp/models/digits/config.json"
echo '{}' >"$tmp/models/digits/bad" && mkdir -p "$tmp/models/second/1" && echo '{' >"$tmp/models/second/config.json"
kill -HUP "$pid"
ok "a reload with a failure says so" is axond_reload_successful 0
ok "and counts its errors" eval '[ "$(metric "axond_log_messages_total{level=\"error\"}")" -ge 1 ]'
ok "a model that failed has one series, which says that it is not ready" \
    eval '[ "$(curl -sS --noproxy "*" "$base/metrics" | grep "model=\"second\"")" = "axond_model_ready{model=\"second\",version=\"1\"} 0" ]'
rm -r "$tmp/models/second"
kill -HUP "$pid"
ok "the next success as well" is axond_reload_successful 1
rm -r "$tmp/models/digits"
kill -HUP "$pid"
ok "a model that is gone takes its series along" wait_for 50 eval '! curl -sS --noproxy "*" "$base/metrics" | grep -q digits'

# ---- parallel clients lose nothing
serve --models configs/models
seq 400 | xargs -P 8 -I{} curl -sS --noproxy '*' -o /dev/null --data-binary @configs/examples/digit.json "$base/v1/models/digits:predict"
ok "400 requests of 8 clients are 400 rows" is 'axond_inference_rows_total{model="digits",version="1"}' 400
ok "and 400 requests" is 'axond_http_requests_total{route="/v1/models/{model}:predict",method="POST",code="200"}' 400

done_testing
