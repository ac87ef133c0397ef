#!/usr/bin/env bash
# --model-dir: one model is served, as platforms mount it.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. tests/http/models.bash

put_config wine
put_weights wine 1 2
mkdir "$tmp/ml" && cp -R "$tmp/models/wine" "$tmp/ml/model"

serve --model-dir "$tmp/ml/model" --model-name wine
req POST /v1/models/wine:predict '{"instances": [[3]]}'
ok "it has the name that it was given" want 200 '.predictions == [[6]]'
put_weights wine 2 5
cp -R "$tmp/models/wine/2" "$tmp/ml/model/"
kill -HUP "$pid"
is_reloaded() { grep -q 'event=models_reloaded' "$tmp/log"; }
ok "SIGHUP" wait_for 100 is_reloaded
req POST /v1/models/wine:predict '{"instances": [[3]]}'
ok "finds a newer version" want 200 '.predictions == [[15]]'

AXOND_MODELS=$tmp/nowhere serve --model-dir "$tmp/ml/model"
req GET /v1/models
ok "without a name it has its folder's, and an image's AXOND_MODELS does no harm" want 200 '[.models[].name] == ["model"]'

mv "$tmp/ml/model/2/weights.safetensors" "$tmp/ml/model/" && rm -r "$tmp/ml/model/"[12]
serve --model-dir "$tmp/ml/model"
req POST /v1/models/model:predict '{"instances": [[3]]}'
ok "the weights may lie beside config.json" want 200 '.predictions == [[15]]'

mkdir -p "$tmp/whole/wine/7" && cp "$tmp/ml/model/"* "$tmp/whole/wine/7/"
serve --model-dir "$tmp/whole/wine"
req POST /v1/models/wine/versions/7:predict '{"instances": [[3]]}'
ok "a version's folder may hold all of it" want 200 '.predictions == [[15]]'
serve --models "$tmp/whole"
req POST /v1/models/wine:predict '{"instances": [[3]]}'
ok "in a repository, too" want 200 '.predictions == [[15]]'

serve --models "$tmp/models/wine"
req POST /v1/models/wine:predict '{"instances": [[3]]}'
ok "a repository that is a model is served" want 200 '.predictions == [[15]]'
ok "and told" grep -q "level=warn event=models_is_a_model .*wine is a model: give its parent, or --model-dir" "$tmp/log"

# check STATUS TEXT ARGS...: --check-config exits so and says so
check() {
    local want=$1 text=$2 output
    shift 2
    output=$("$BIN" --check-config "$@" 2>&1)
    [ $? = "$want" ] && grep -q -- "$text" <<<"$output"
}
ok "--check-config tells, too" check 2 "wine is a model: give its parent, or --model-dir" --models "$tmp/models/wine"
ok "--model-dir is what it wanted" check 0 "^1 models in .*, 0 findings" --model-dir "$tmp/models/wine"
ok "a bad name is refused" check 78 "model_name: a b: a model's name is 1 to 64" --model-dir "$tmp/ml/model" --model-name "a b"
ok "a folder that is not there, too" check 78 "model_dir: .*/none: No such file" --model-dir "$tmp/none"
ok "so is a repository, with the way out" check 1 "no such file, but models in folders of their own; serve them with --models" --model-dir "$tmp/models"
done_testing
