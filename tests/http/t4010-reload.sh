#!/usr/bin/env bash
# SIGHUP: new, changed, corrupt and removed models, while clients go on asking.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body, pid and tmp
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/models.bash"

put_config m
put_weights m 1 1
put_config other
put_weights other 1 5
serve --models "$tmp/models"

# reload JQ-EXPRESSION: SIGHUP, then wait until the list of models is so
reload() {
    kill -HUP "$pid"
    for _ in $(seq 100); do
        req GET /v1/models
        want 200 "$1" && return
        sleep 0.05
    done
    return 1
}

# answers MODEL NUMBER
answers() {
    req POST "/v1/models/$1:predict" '{"instances": [[1]]}'
    want 200 ".predictions == [[$2]]"
}

# versions MODEL LIST ERRORS: its versions, and how many of them have an error
versions() {
    printf '[.models[] | select(.name == "%s") | .versions[]] | [.[].version] == %s and ([.[] | select(.error != "")] | length == %s)' "$@"
}

ok "version 1 answers" answers m 1
ok "all is well so far" [ "$(metric axond_reload_successful)" = 1 ]

put_weights m 2 2
ok "a new version is loaded" reload "$(versions m '["2"]' 0)"
unloaded() { grep -q "event=model_unloaded model=$1 version=$2 reason=$3" "$tmp/log"; }
ok "the one before is superseded, says the log" unloaded m 1 superseded
ok "and answers" answers m 2

mkdir "$tmp/models/m/3" && echo 'not tensors, but long enough' >"$tmp/models/m/3/weights.safetensors"
ok "a corrupt version 3 is listed beside version 2" reload "$(versions m '["2", "3"]' 1)"
ok "version 2 goes on answering" answers m 2
ok "the metrics tell" [ "$(metric axond_reload_successful)" = 0 ]
req GET /v2/health/ready
ok "the service stays ready" want 200

put_weights m 3 3
ok "once mended, version 3 takes over" reload "$(versions m '["3"]' 0)"
ok "and answers" answers m 3
ok "the metrics tell that, too" [ "$(metric axond_reload_successful)" = 1 ]

cp "$tmp/models/m/config.json" "$tmp/config.good"
echo '{"layers": [' >"$tmp/models/m/config.json"
ok "a config cut short leaves the version, with the error" reload "$(versions m '["3"]' 1)"
ok "that still answers" answers m 3
req GET /v1/models/m
ok "the error has line and column" want 200 '.model_version_status[0].status.error_message | test("^config.json:[0-9]+:[0-9]+: ")'
cp "$tmp/config.good" "$tmp/models/m/config.json"
ok "the old config back, all is well" reload "$(versions m '["3"]' 0)"

truncate -s 50 "$tmp/models/m/3/weights.safetensors"
ok "weights truncated in place leave the version, with the error" reload "$(versions m '["3"]' 1)"
ok "that still answers" answers m 3
rm -r "$tmp/models/m/3" "$tmp/models/m/2" "$tmp/models/m/1"
ok "the log tells what serves in its place" grep -q 'event=model_load_failed model=m version=3 .* serving="3 as loaded before"' "$tmp/log"
mkdir "$tmp/models/m/4" && : >"$tmp/models/m/4/weights.safetensors"
ok "a broken version in place of all others leaves what serves" reload "$(versions m '["3", "4"]' 1)"
ok "and the log tells that, too" grep -q 'event=model_load_failed model=m version=4 .* serving=3' "$tmp/log"
ok "that still answers" answers m 3
put_weights m 4 2
ok "mended, it takes over" reload "$(versions m '["4"]' 0)"

put_config added
put_weights added 7 5
ok "a new model is found" reload "$(versions added '["7"]' 0)"
ok "and answers" answers added 5
rm -r "$tmp/models/added"
ok "a removed model goes" reload '[.models[].name] == ["m", "other"]'
ok "as removed" unloaded added 7 removed
req POST /v1/models/added:predict '{"instances": [[1]]}'
ok "and is unknown from then on" want 404 '.code == "unknown_model"'
ok "its series are gone from the metrics" [ -z "$(curl -sS "$base/metrics" | grep 'model="added"')" ]

put_config m ', "labels": {"canary": 5, "stable": 4}'
put_weights m 5 5
ok "labels are read anew" reload '[.models[] | select(.name == "m") | .versions[].labels[]] == ["stable", "canary"]'
req POST /v1/models/m/labels/canary:predict '{"instances": [[1]]}'
ok "and lead to their versions" want 200 '.predictions == [[5]]'
put_config m
ok "without labels only the newest is left" reload "$(versions m '["5"]' 0)"

ok "a model that did not change kept its counters" \
    [ "$(curl -sS "$base/metrics" | grep -c '^axond_inference_rows_total{model="other",version="1"} 0$')" = 1 ]
answers other 5
put_weights m 6 1
reload "$(versions m '["6"]' 0)"
ok "over a reload" [ "$(curl -sS "$base/metrics" | grep -c '^axond_inference_rows_total{model="other",version="1"} 1$')" = 1 ]

mv "$tmp/models" "$tmp/aside"
kill -HUP "$pid"
for _ in $(seq 100); do
    [ "$(metric axond_reload_successful)" = 0 ] && break
    sleep 0.05
done
ok "a repository that has gone is noticed" [ "$(metric axond_reload_successful)" = 0 ]
ok "and changes nothing" answers m 1
mv "$tmp/aside" "$tmp/models"
ok "when it is back, so is all" reload "$(versions m '["6"]' 0)"

# A storm: version 7 is good, corrupt and gone in turn; each answer must be one of a whole model.
asking() {
    while [ ! -e "$tmp/stop" ]; do
        curl -sS -X POST --data-binary '{"instances": [[1]]}' "$base/v1/models/m:predict" || echo "no reply"
        echo
    done >"$tmp/answers.$1"
}
asking 1 & asker1=$!
asking 2 & asker2=$!
for i in $(seq 40); do
    case $((i % 4)) in
    0) rm -rf "$tmp/models/m/7" ;;
    1) put_weights m 7 2 ;;
    2) echo 'garbage in place of version 7' >"$tmp/models/m/7/weights.safetensors" ;;
    3) put_weights m 7 3 ;;
    esac
    kill -HUP "$pid"
    sleep 0.02
done
: >"$tmp/stop"
wait "$asker1" "$asker2"
all=$(cat "$tmp"/answers.* | grep -c .)
right=$(cat "$tmp"/answers.* | grep -cxE '\{"predictions": ?\[\[[123]\]\]\}')
ok "a storm of 40 reloads: there were answers" [ "$all" -gt 20 ]
ok "and each was right" [ "$all" = "$right" ]
reload '.models | length == 2'
ok "the daemon is alive" kill -0 "$pid"

# At the start nothing was loaded before.
not_logged() { ! grep -q "$1" "$tmp/log"; }
mkdir -p "$tmp/late/m/2" && : >"$tmp/late/m/2/weights.safetensors"
cp "$tmp/config.good" "$tmp/late/m/config.json"
serve --models "$tmp/late"
ok "a service whose models all fail does not say that it is ready" not_logged event=ready
ok "but that it is not, as an error" grep -qE 'level=error event=not_ready reason=".*no model of the repository serves' "$tmp/log"
ok "nothing serves" grep -q 'event=model_load_failed model=m version=2 .* serving=nothing' "$tmp/log"
req GET /v2/health/ready
ok "readiness is 503" want 503 '.code == "not_ready"'
cp -r "$tmp/models/m/4" "$tmp/late/m/1"
kill -HUP "$pid"
ok "once a version loads, it is ready" wait_for 100 grep -q event=ready "$tmp/log"
ok "and an older version stands in for the one that fails" grep -q 'event=model_load_failed model=m version=2 .* serving=1' "$tmp/log"
req GET /v2/health/ready
ok "readiness is 200" want 200

done_testing
