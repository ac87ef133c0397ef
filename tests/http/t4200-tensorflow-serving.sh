#!/usr/bin/env bash
# The curl examples of TensorFlow Serving's page on its REST API, as they stand there but for the port and our models'
# names: https://www.tensorflow.org/tfx/serving/api_rest. half_plus_two is the toy of its tutorial, y = x / 2 + 2.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models/half_plus_two/123"
cp -r configs/models/digits configs/models/breast-cancer "$tmp/models"
# The weights stand in the version's folder: NumPy's .npz of two arrays, as numpy.savez writes it.
python3 - "$tmp/models/half_plus_two/123/weights.npz" <<'PY'
import struct, sys, zipfile

def npy(shape, *values):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(values)}f", *values)

with zipfile.ZipFile(sys.argv[1], "w") as npz:
    npz.writestr("output.weight.npy", npy((1, 1), 0.5))
    npz.writestr("output.bias.npy", npy("(1,)", 2))
PY
cat >"$tmp/models/half_plus_two/config.json" <<'JSON'
{
  "input": {"name": "x", "features": 1},
  "layers": [{"name": "output", "units": 1, "activation": "identity"}],
  "output": {"name": "y"},
  "labels": {"stable": 123}
}
JSON

# page CURL-ARGUMENTS...: as the page has them, with the daemon's port; -i and -X POST included.
page() {
    local arguments=("${@/localhost:8501/$address}")
    body=$(curl -sS "${arguments[@]}")
}
answers() { [ "$(jq -c . <<<"$body")" = "$1" ]; }
told() { jq -e "$1" >"$tmp/jq" <<<"$body"; }

serve --models "$tmp/models"

page http://localhost:8501/v1/models/half_plus_two
ok "status of a model" told '.model_version_status == [{version: "123", state: "AVAILABLE", status: {error_code: "OK", error_message: ""}}]'
page http://localhost:8501/v1/models/half_plus_two/versions/123
ok "status of a version" told '.model_version_status | map(.version) == ["123"]'

page -d '{"instances": [1.0,2.0,5.0]}' -X POST http://localhost:8501/v1/models/half_plus_two:predict
ok "predict" answers '{"predictions":[2.5,3,4.5]}'
page -d '{"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}, {"x": 2.0}]}' \
    -X POST http://localhost:8501/v1/models/half_plus_two:regress
ok "regress" answers '{"results":[2.5,3]}'
page -i -d '{"instances": [1.0,5.0]}' -X POST http://localhost:8501/v1/models/half:predict
ok "an unknown model is a 404" grep -q '^HTTP/1.1 404 Not Found' <<<"$body"
ok "of application/json with an error" grep -q '^{"error":' <<<"$body"
ok "and nothing else beside the type" grep -qi $'^Content-Type: application/json\r$' <<<"$body"

# The forms of a request as the page lists them, with our names.
page -d '{"signature_name": "serving_default", "instances": [{"x": 1.0}, {"x": 2.0}]}' http://localhost:8501/v1/models/half_plus_two:predict
ok "row form with names" answers '{"predictions":[2.5,3]}'
page -d '{"inputs": [1.0, 2.0]}' http://localhost:8501/v1/models/half_plus_two:predict
ok "column form" answers '{"outputs":[2.5,3]}'
page -d '{"inputs": {"x": [[1.0], [2.0]]}}' http://localhost:8501/v1/models/half_plus_two:predict
ok "column form with names, and rows of one" answers '{"outputs":[[2.5],[3]]}'
page -d '{"context": {"x": 4}, "examples": [{}, {"x": [2.0]}]}' http://localhost:8501/v1/models/half_plus_two:regress
ok "a context is common to all examples that have none of their own" answers '{"results":[4,3]}'
page -d '{"examples": [{"image": {"b64": "aW1hZ2UgYnl0ZXM="}, "caption": "seaside"}]}' http://localhost:8501/v1/models/digits:classify
ok "bytes for a feature that the model does not have are ignored, and the one that is missing is named" \
    told '.error == "examples[0]: no value for \"pixels\"; \"image\" is none of the model'"'"'s features"'
page -d '{"examples": [{"pixels": {"b64": "aW1hZ2UgYnl0ZXM="}}]}' http://localhost:8501/v1/models/digits:classify
ok "for one that it has they are refused, and why" told '.error | test("b64.*not supported")'

# digits: ten classes with labels.
jq -c '{examples: [.instances[0:3][] | {pixels: .}]}' tests/data/digits/heldout.json >"$tmp/examples.json"
jq -c '{instances: .instances[0:3]}' tests/data/digits/heldout.json >"$tmp/instances.json"
page -d @"$tmp/instances.json" http://localhost:8501/v1/models/digits:predict
predictions=$(jq -c .predictions <<<"$body")
page -d @"$tmp/examples.json" http://localhost:8501/v1/models/digits/versions/1:classify
ok "classify: every class of an example, in their order" told '.results | length == 3 and all(map(.[0]) == ["0","1","2","3","4","5","6","7","8","9"])'
ok "with the scores of predict" [ "$(jq -c '[.results[] | map(.[1])]' <<<"$body")" = "$predictions" ]
page -d @"$tmp/examples.json" http://localhost:8501/v1/models/digits:regress
ok "regress takes one output" told '.code == "bad_field" and (.error | test("10 outputs"))'
page -d '{"signature_name": "classify_objects", "examples": []}' http://localhost:8501/v1/models/digits:classify
ok "a signature that there is not is named" told '.error | test("classify_objects")'

# One output of two labels: the second's probability.
jq -c '{examples: [.instances[0] | {features: .}]}' configs/examples/tumour.json | sed "s/features/$(jq -r .input.name configs/models/breast-cancer/config.json)/" >"$tmp/tumour.json"
page -d @"$tmp/tumour.json" http://localhost:8501/v1/models/breast-cancer:classify
ok "classify: two labels of one output" told '.results[0] | length == 2 and (map(.[1]) | add - 1 | fabs < 1e-6)'
page -d @"$tmp/tumour.json" http://localhost:8501/v1/models/breast-cancer:regress
ok "regress: its one output" told '.results | length == 1 and .[0] > 0.5'

for path in versions/123 labels/stable; do
    page -d '{"examples": [{"x": 1.0}]}' "http://localhost:8501/v1/models/half_plus_two/$path:regress"
    ok "regress by $path" answers '{"results":[2.5]}'
    page -d '{"examples": [{"x": 1.0}]}' "http://localhost:8501/v1/models/half_plus_two/$path:classify"
    ok "classify without labels by $path" answers '{"results":[[["",2.5]]]}'
    page -d '{"instances": [1.0]}' "http://localhost:8501/v1/models/half_plus_two/$path:predict"
    ok "predict by $path" answers '{"predictions":[2.5]}'
done

page http://localhost:8501/v1/models/half_plus_two/versions/123/metadata
ok "metadata" answers "$(jq -c . <<'JSON'
{"model_spec": {"name": "half_plus_two", "signature_name": "", "version": "123"},
 "metadata": {"signature_def": {"signature_def": {"serving_default": {
   "inputs": {"x": {"name": "x", "dtype": "DT_FLOAT",
     "tensor_shape": {"dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}], "unknown_rank": false}}},
   "outputs": {"y": {"name": "y", "dtype": "DT_FLOAT",
     "tensor_shape": {"dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}], "unknown_rank": false}}},
   "method_name": "tensorflow/serving/predict"}}}}}
JSON
)"

# Long ones are a worker's: 50,000 examples of which each needs the context, and their classes.
jq -nc '{context: {x: 1}, examples: [range(50000) | if . % 2 == 0 then {} else {x: .} end]}' >"$tmp/long.json"
page -d @"$tmp/long.json" http://localhost:8501/v1/models/half_plus_two:regress
ok "50,000 examples" told '.results | length == 50000 and .[0] == 2.5 and .[1] == 2.5 and .[49999] == 25001.5'
page -d @"$tmp/long.json" http://localhost:8501/v1/models/half_plus_two:classify
ok "and their classes" told '.results | length == 50000 and .[49999] == [["", 25001.5]]'
req GET /metrics
ok "are counted as rows" [ "$(metric 'axond_inference_rows_total{model="half_plus_two",version="123"}')" = 100019 ]
ok "under routes of their own" [ "$(metric 'axond_http_requests_total{route="/v1/models/{model}:regress",method="POST",code="200"}')" = 6 ]

done_testing
