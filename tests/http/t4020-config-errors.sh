#!/usr/bin/env bash
# Mistakes in config.json, and what --check-config says of each.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models/m"
input='"input": {"features": 2}'
layers='"layers": [{"units": 1, "activation": "relu", "weight": [[1, 2]]}]'

# check CONFIG: sets $status and $output
check() {
    printf '%b' "${1/NUL/'\0'}" >"$tmp/models/m/config.json"
    output=$("$BIN" --models "$tmp/models" --check-config 2>&1)
    status=$?
}

# says TEXT: the last check failed and said so, naming the model
says() {
    [ "$status" = 1 ] && [[ $output == *"$1"* ]] && [[ $output == *m* ]] && return
    printf '# status %s, expected %s\n# %s\n' "$status" "$1" "$output"
    return 1
}

check "{$input, $layers}"
ok "a config without a mistake passes" [ "$status" = 0 ]

mkdir -p "$tmp/models/m/2x" "$tmp/models/a b"
check "{$input, $layers, \"labels\": {\"stable\": 20261130}}"
ok "findings are told, with a status of their own" [ "$status" = 2 ]
ok "a folder that is no version" grep -q '^model m: version_ignored: folder 2x: a version is a whole number from 1' <<<"$output"
ok "a label without its version" \
    grep -q '^model m version 20261130: label_without_version: label stable: that version is not loaded' <<<"$output"
ok "a folder that is no model" grep -q "^models: folder_ignored: folder a b: a model's name is" <<<"$output"
ok "the last line counts them" grep -q '^1 models in .*, 0 failures, 3 findings$' <<<"$output"
rmdir "$tmp/models/m/2x" "$tmp/models/a b"

while IFS='|' read -r what config message; do
    [ -n "$what" ] || continue
    config=${config//INPUT/$input}
    check "${config//LAYERS/$layers}"
    ok "$what" says "$message"
done <<'EOF'
not JSON|{|config.json:1:2: 
not an object|[]|config.json:1:1: expected a JSON object, found an array
a key twice|{INPUT, INPUT, LAYERS}|config.json:1:28: the key "input" is there twice
NaN|{INPUT, LAYERS, "seed": NaN}|config.json:1:
a number beyond double|{"input": {"features": 2, "scale": 1e999}, LAYERS}|config.json: input.scale: 1.79769313e+308 is outside the range of float32
no input|{LAYERS}|config.json: input: missing
no layers|{INPUT}|config.json: layers: expected an array of 1 to 64 layers, found 0
an unknown key|{INPUT, LAYERS, "tsak": "binary"}|config.json: tsak: unknown key; did you mean "task"?
an unknown key in a layer|{INPUT, "layers": [{"unit": 1}]}|config.json: layers[0].unit: unknown key; did you mean "units"?
a layer of no units|{INPUT, "layers": [{"units": 0, "activation": "relu"}]}|config.json: layers[0].units: expected a whole number from 1 to 65536, found 0
2^40 units|{INPUT, "layers": [{"units": 1099511627776, "activation": "relu"}]}|from 1 to 65536, found 1099511627776
fewer than no units|{INPUT, "layers": [{"units": -4, "activation": "relu"}]}|from 1 to 65536, found -4
units as text|{INPUT, "layers": [{"units": "4", "activation": "relu"}]}|from 1 to 65536, found "4"
more weights than allowed|{"input": {"features": 65536}, "layers": [{"units": 65536, "activation": "relu"}]}|config.json: layers[0].units: 4295032832 weights up to this layer, at most 268435456
an unknown activation|{INPUT, "layers": [{"units": 1, "activation": "reul"}]}|config.json: layers[0].activation: unknown activation "reul"; did you mean "relu"?
an unknown parameter|{INPUT, "layers": [{"units": 1, "activation": {"name": "leaky_relu", "slope": 1}}]}|config.json: layers[0].activation.slope: unknown key
a parameter outside its domain|{INPUT, "layers": [{"units": 1, "activation": {"name": "leaky_relu", "alpha": 1e30}}]}|config.json: layers[0].activation.alpha: leaky_relu takes 
two layers of one name|{INPUT, "layers": [{"name": "a", "units": 1, "activation": "relu"}, {"name": "a", "units": 1, "activation": "relu"}]}|config.json: layers[1].name: "a" is the name of layers[0] already
a name that is no label|{INPUT, "layers": [{"name": "a b", "units": 1, "activation": "relu"}]}|config.json: layers[0].name: expected a name of 1 to 64 letters
labels that do not fit|{INPUT, LAYERS, "output": {"labels": ["a", "b", "c"]}}|config.json: output.labels: 3 labels for 1 output
a task that cannot be|{INPUT, LAYERS, "task": "multiclass"}|config.json: task: "multiclass" takes 2 to 65536 outputs, the last layer has 1 units
an unknown task|{INPUT, LAYERS, "task": "classify"}|config.json: task: expected one of binary, multiclass, multilabel, regression, found "classify"
scales for another number of features|{"input": {"features": 2, "scale": [1, 2, 3]}, LAYERS}|config.json: input.scale: expected an array of 2 numbers, found an array of 3
an offset beyond float32|{"input": {"features": 2, "offset": 1e39}, LAYERS}|config.json: input.offset: 1e+39 is outside the range of float32
ragged inline weights|{INPUT, "layers": [{"units": 2, "activation": "relu", "weight": [[1, 2], [3]]}]}|config.json: layers[0].weight[1]: expected an array of 2 numbers, found an array of 1
neither weights nor initializer|{INPUT, "layers": [{"units": 2, "activation": "relu"}]}|no version folder; expected 1/weights.safetensors
an unknown initializer|{INPUT, "initializer": "he", "layers": [{"units": 2, "activation": "relu"}]}|config.json: initializer: expected one of he_normal
a NUL byte|{"input": {"features": 2NUL}, LAYERS}|config.json:1:25: 
an unknown policy|{INPUT, LAYERS, "versions": {"policy": "newest"}}|config.json: versions.policy: expected one of latest, all, specific, found "newest"
a version that is not there|{INPUT, LAYERS, "versions": {"policy": "specific", "versions": [3]}}|config.json: versions.versions: there is no folder 3
EOF

done_testing
