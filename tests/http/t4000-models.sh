#!/usr/bin/env bash
# A repository with good and broken models, as a user sees it: list, status, metadata, answers.
# shellcheck disable=SC1091,SC2154 # lib.sh sets base, body and tmp
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/models.bash"

put_config good ', "labels": {"stable": 1}, "output": {"name": "y", "labels": ["only"]}, "task": "regression"'
put_weights good 1 1
put_weights good 2 2
put_weights good 10 3

mkdir -p "$tmp/models/inline"
echo '{"input": {"features": 2}, "layers": [{"units": 1, "activation": "identity", "weight": [[1, 10]], "bias": [0.5]}]}' \
    >"$tmp/models/inline/config.json"

put_config garbage
mkdir "$tmp/models/garbage/1" && echo 'no tensors here at all' >"$tmp/models/garbage/1/weights.safetensors"
put_config empty
put_config pickled
mkdir "$tmp/models/pickled/1" && : >"$tmp/models/pickled/1/model.pt"
put_config turned
put_tensors turned 1 '{"h.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"h.bias":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' '\0\0\0\0\0\0\0\0\0\0\0\0'
put_config nan
put_tensors nan 1 '{"h.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"h.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' '\0\0\300\177\0\0\0\0'
put_config golden
put_weights golden 1 2
echo '{"instances": [[1], [2]], "predictions": [[2], [5]]}' >"$tmp/models/golden/1/golden.json"
ln -s good "$tmp/models/linked"
mkdir "$tmp/models/.git" "$tmp/models/not a model"
: >"$tmp/models/README.md"

serve --models "$tmp/models"

req GET /v1/models
ok "folders with a model's name are listed, others are not" \
    want 200 '[.models[].name] == ["empty", "garbage", "golden", "good", "inline", "linked", "nan", "pickled", "turned"]'
ok "of three versions the newest serves, and the labelled one" \
    want 200 '[.models[] | select(.name == "good") | .versions[] | [.version, .state, .labels]]
              == [["1", "AVAILABLE", ["stable"]], ["10", "AVAILABLE", []]]'
ok "a model that is all config needs no version folder" \
    want 200 '[.models[] | select(.name == "inline") | .versions[] | [.version, .state, .error]] == [["1", "AVAILABLE", ""]]'

# says MODEL TEXT: the model has failed, and its listing holds TEXT
says() {
    want 200 ".models[] | select(.name == \"$1\") | .versions | length == 1 and .[0].state == \"FAILED\"" &&
        printf '%s' "$body" | jq -e --arg m "$1" --arg t "$2" '.models[] | select(.name == $m) | .versions[0].error | contains($t)' >/dev/null
}
ok "garbage is called so" says garbage '1/weights.safetensors: a header of '
ok "a model without versions is told what to add" says empty 'no version folder; expected 1/weights.safetensors'
ok "pickle is refused with the way out" says pickled '1/model.pt: pickle files can run code and are never read; load it in Python, and write this folder with configs/export/from_torch.py'
ok "a wrong shape is named with the right one" says turned '1/weights.safetensors: h.weight: expected shape [1, 1] (units, features) for the weight of layers[0], found [1, 2]'
ok "a weight that is NaN is named" says nan '1/weights.safetensors: h.weight[0][0]: NaN'
ok "a golden row that comes out wrong is named" says golden '1/golden.json: predictions[1][0]: the network gives 4, expected 5'
ok "a link is not followed" says linked 'is or lies behind a symbolic link'
ok "nothing of it tells where the files are" want 200 "tostring | contains(\"$tmp\") | not"

req GET /v1/models/good
ok "status lists the versions" want 200 '[.model_version_status[].version] == ["1", "10"]'
req GET /v1/models/good/versions/1
ok "status of one version" want 200 '.model_version_status[0] | .version == "1" and .state == "AVAILABLE"'
req GET /v1/models/good/labels/stable
ok "status by label" want 200 '.model_version_status[0].version == "1"'
req GET /v1/models/good/versions/2
ok "a version that the policy leaves out is not there" want 404 '.code == "unknown_version"'
req GET /v1/models/garbage
ok "status of a broken model says why" want 200 '.model_version_status[0].status.error_message | contains("weights.safetensors")'
req GET /v1/models/nothing
ok "an unknown model is 404" want 404 '.code == "unknown_model"'
req GET /v1/models/good/metadata
ok "metadata has the signature" want 200 '.metadata.signature_def | tostring | contains("\"y\"")'

req POST /v1/models/good:predict '{"instances": [[1], [-1]]}'
ok "the newest answers" want 200 '.predictions == [[3], [0]]'
req POST /v1/models/good/versions/1:predict '{"instances": [[1]]}'
ok "a version answers by number" want 200 '.predictions == [[1]]'
req POST /v1/models/good/labels/stable:predict '{"instances": [[1]]}'
ok "and by label" want 200 '.predictions == [[1]]'
req POST /v1/models/inline:predict '{"instances": [[1, 2]]}'
ok "inline numbers are used" want 200 '.predictions == [[21.5]]'
req POST /v1/models/garbage:predict '{"instances": [[1]]}'
ok "a broken model is not ready" want 503 '.code == "not_ready"'

done_testing
