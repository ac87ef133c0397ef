#!/usr/bin/env bash
# The model repository over HTTP: index, load and unload, as Triton's clients and KServe's agent ask, while others go on asking.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body, pid, slack, status and tmp
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/models.bash"

put_config m
put_weights m 1 1
put_config n
put_weights n 1 5
serve --models "$tmp/models" --threads 2

# answers MODEL NUMBER
answers() { req POST "/v1/models/$1:predict" '{"instances": [[1]]}' && want 200 ".predictions == [[$2]]"; }
# listed MODEL STATE REASON: what the index says of its newest version
listed() {
    req POST /v2/repository/index '{}'
    want 200 "[.[] | select(.name == \"$1\")] | last | .state == \"$2\" and (.reason | test(\"$3\"))"
}
control() { req POST "/v2/repository/models/$1" "${2-{\}}"; }

# ---- as Triton's documentation has it, without a body and its length
control_curl() { curl -sS --noproxy '*' -o "$tmp/body" -w '%{http_code}' -X POST "$base/v2/repository/$1"; }
is() { jq -e "$1" "$tmp/body" >"$tmp/jq"; }
ok "an index is asked for without a body"    [ "$(control_curl index)" = 200 ]
ok "and lists what serves"                   is '. == [{name: "m", version: "1", state: "READY", reason: ""}, {name: "n", version: "1", state: "READY", reason: ""}]'
ok "a model is unloaded without a body"      [ "$(control_curl models/m/unload)" = 200 ]
ok "it is listed as unloaded"                listed m UNAVAILABLE '^unloaded$'
req POST /v2/repository/index '{"ready": true}'
ok "and not among those that are ready"      want 200 '[.[].name] == ["n"]'
req GET /v2/models/m/ready
ok "known, but not ready, is 400"            want 400 '.code == "model_not_ready" and (.error | test("unloaded"))'
req GET /v2/models/x/ready
ok "unknown is 404"                          want 404 '.code == "unknown_model"'
req POST /v1/models/m:predict '{"instances": [[1]]}'
ok "it answers no more, and tells the way"   want 503 '.code == "not_ready" and (.error | test("is unloaded; POST /v2/repository/models/m/load loads it"))'
req GET /v2/health/ready
ok "the service stays ready"                 want 200
ok "no metric says that it failed"           [ -z "$(metric 'axond_model_ready{model="m",version="1"}')" ]
kill -HUP "$pid"
ok "a reload"                                wait_for 100 grep -q event=models_reloaded "$tmp/log"
ok "does not bring it back"                  listed m UNAVAILABLE '^unloaded$'
ok "a load without a body does"              [ "$(control_curl models/m/load)" = 200 ]
ok "and it answers"                          answers m 1
control m/unload; control n/unload
req GET /v2/health/ready
ok "a service of which all is unloaded is ready" want 200
req GET /v2/models
ok "and lists no model that serves"          want 200 '. == {models: []}'
control m/load; control n/load

# ---- KServe's agent: a folder that it has just written, or deleted
put_config later
put_weights later 1 2
control later/load '{}'
ok "a folder that appeared after the start is loaded" want 200
ok "and answers"                             answers later 2
rm -r "$tmp/models/later"
control later/unload '{}'
ok "what is gone is unloaded"                want 200
ok "and listed so"                           listed later UNAVAILABLE '^unloaded$'
control later/load '{}'
ok "it cannot be loaded"                     want 404 '.code == "unknown_model" and (.error | test("later"))'
control never/unload '{}'
ok "what never was is unloaded, too"         want 200

# ---- what fails
put_config m
printf 'garbage, and long enough' >"$tmp/models/m/1/weights.safetensors"
control m/load
ok "a model whose file is broken is 400 with the reason" \
    want 400 '.code == "load_failed" and (.error | test("^model .m. version 1: 1/weights.safetensors: .*; version 1 serves as loaded before$"))'
ok "what served goes on"                     answers m 1
ok "the index has the reason"                listed m READY 'weights.safetensors'
put_weights m 1 3
control m/load
ok "mended, it is loaded anew"               answers m 3
control m/load '{"parameters": {"config": "{\"layer\": []}"}}'
ok "a config that is wrong names the key"    want 400 '.error | test("parameters.config: layer: unknown key; did you mean .layers.")'
ok "and changes nothing"                     answers m 3
scaled=$(jq -c '.input.scale = 0.5' "$tmp/models/m/config.json")
control m/load "$(jq -cn --arg config "$scaled" '{parameters: {config: $config}}')"
ok "a config stands in place of the file"    answers m 1.5
control m/load
ok "until the model is loaded without one"   answers m 3
control m/load '{"parameters": {"config": "{}", "file:1/weights.npz": "AAAA"}}'
ok "files are refused by name"               want 400 '.error | test("^parameters.file:1/weights.npz: ")'
for name in .. . .git %2e%2e 'm%2F1' "$(printf 'm%.0s' $(seq 300))" 'm%00'; do
    control "$name/load"
    ok "no model is called ${name:0:10}"     [ "$status" = 404 -o "$status" = 400 ]
done
control m/load 'no JSON'
ok "a body that is no JSON"                  want 400 '.code == "bad_json"'
req POST /v2/repository/models/m/unload '{}' -H 'Origin: http://elsewhere.example'
ok "a page may not unload"                   want 403 '.code == "cross_site"'
req POST /v2/repository/models/m/load '{}' -H 'X-Forwarded-For: 192.0.2.1'
ok "nor may a client of a proxy"             want 403 '.code == "forbidden"'
ok "and it answers still"                    answers m 3

# ---- at once
asked() { # asked COUNT: the statuses of so many loads at once, each with how often
    seq "$1" | xargs -P "$1" -I@ curl -sS --noproxy '*' -o /dev/null -w '%{http_code}\n' -d '{}' "$base/v2/repository/models/m/load" | sort | uniq -c
}
rm -r "$tmp/models/m/1"
put_weights m 1 5
ok "100 loads of a model at once all succeed" [ "$(asked 100 | tr -s ' ')" = " 100 200" ]
ok "and load it once"                        [ "$(grep -c 'event=model_loaded model=m' "$tmp/log")" = "$(($(grep -c 'event=model_unloaded model=m' "$tmp/log") + 1))" ]
ok "it answers as its file says"             answers m 5

# 64 clients ask without a pause while the model comes and goes: each reply is whole, and says if there is none.
asking() {
    while [ ! -e "$tmp/stop" ]; do
        curl -sS --noproxy '*' -w ' %{http_code}\n' -d '{"instances": [[1]]}' "$base/v1/models/m:predict" || echo "no reply"
    done >"$tmp/answers.$1" 2>&1
}
asking_all() {
    local clients=()
    for i in $(seq "$1"); do asking "$i" & clients+=($!); done
    for _ in $(seq 10); do
        control m/unload && want 200 || return 1
        control m/load && want 200 || return 1
    done
    : >"$tmp/stop"
    wait "${clients[@]}"
}
ok "a model comes and goes under 64 clients" asking_all 64
strange() { grep -hvE '^\{"predictions":\[\[5\]\]\} 200$|^\{"error":"model .m. [^"]*","code":"not_ready"\} 503$' "$tmp"/answers.* | sort | uniq -c | head -5 | grep .; }
ok "each got an answer, or that there is none" eval "! strange"
ok "some got an answer"                      grep -q ' 200$' "$tmp"/answers.*

# ---- memory: a model of 64 MB of weights
mkdir -p "$tmp/models/wide"
jq -n '{input: {features: 4096}, initializer: "he_normal", seed: 1, layers: [{units: 4096, activation: "relu"}]}' >"$tmp/models/wide/config.json"
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"; }
before=$(rss)
control wide/load
ok "a model of 64 MB is loaded"              want 200
with=$(rss)
control wide/unload
ok "and unloaded"                            want 200
after=$(rss)
echo "# kB: $before before, $with with it, $after after"
ok "it took memory"                          [ "$((with - before))" -gt 60000 ]
if [ -n "${TEST_SLOW-}" ]; then
    skip "and gave it back"                  "a sanitizer keeps it"
else
    ok "and gave it back"                    [ "$((with - after))" -gt 60000 ]
fi

# ---- the end, during a load: what was asked for is answered. A load waits for what was asked before, here a pile of them.
pile() {
    local i clients=()
    for i in 1 2 3; do
        curl -sS --noproxy '*' -o /dev/null -w '%{http_code}\n' -d '{}' "$base/v2/repository/models/wide/load" >"$tmp/last.$i" 2>&1 &
        clients+=($!)
    done
    wait_for 100 grep -q 'event=model_loaded model=wide' "$tmp/log"
    stop TERM
    wait "${clients[@]}"
    [ "$exit_status" = 0 ] && [ "$(cat "$tmp"/last.* | sort -u)" = 200 ]
}
rm -f "$tmp/log.kept"; cp "$tmp/log" "$tmp/log.kept"; : >"$tmp/log"
ok "SIGTERM during loads loses none of them" pile
cat "$tmp/log" >>"$tmp/log.kept"

done_testing
