#!/usr/bin/env python3
"""tfserving_calls.py ADDRESS - TensorFlow Serving's REST API by requests, as its pages and the programs that copy them do.

The daemon serves the shipped models and half_plus_two. A case is a function (cases.py).
"""
import json
import sys

import numpy
import requests

from cases import count, predicted, rows_of, run, same_bits

ADDRESS = sys.argv[1]
MODELS = f"http://{ADDRESS}/v1/models"


def ask(path, body=None, status=200, **options):
    """A GET, or a POST of JSON as requests' own json= or as text without a type, as the pages' data=json.dumps() has it."""
    word = path.split(":")[1] if ":" in path else "metadata" if path.endswith("/metadata") else "status"
    count("requests, TF Serving", word)
    if body is None:
        reply = requests.get(f"{MODELS}/{path}", timeout=60, **options)
    else:
        reply = requests.post(f"{MODELS}/{path}", data=json.dumps(body), timeout=60, **options)
        typed = requests.post(f"{MODELS}/{path}", json=body, timeout=60, **options)
        assert typed.status_code == reply.status_code and typed.json() == reply.json(), (typed.text, reply.text)
    assert reply.status_code == status, (reply.status_code, reply.text)
    return reply.json()


def case_half_plus_two():
    assert ask("half_plus_two:predict", {"instances": [1.0, 2.0, 5.0]}) == {"predictions": [2.5, 3.0, 4.5]}
    assert ask("half_plus_two:predict", {"inputs": [1.0, 2.0, 5.0]}) == {"outputs": [2.5, 3.0, 4.5]}
    assert ask("half_plus_two/versions/1:predict", {"instances": [1.0]}) == {"predictions": [2.5]}
    named = {"signature_name": "serving_default", "instances": [{"x": 1.0}, {"x": 5.0}]}
    assert ask("half_plus_two:predict", named) == {"predictions": [2.5, 4.5]}


def case_predict_in_both_forms():
    array = rows_of("digits", 7)
    want = predicted(ADDRESS, "digits", array)
    rows = array.tolist()
    for body, key in (({"instances": rows}, "predictions"), ({"instances": [{"pixels": row} for row in rows]}, "predictions"),
                      ({"inputs": rows}, "outputs"), ({"inputs": {"pixels": rows}}, "outputs")):
        same_bits(numpy.array(ask("digits:predict", body)[key], "f4"), want)
    assert ask("digits:predict", {"instances": []}) == {"predictions": []}


def case_signature_names():
    rows = rows_of("digits", 1).tolist()
    for name in ("", "serving_default", "tensorflow/serving/predict"):
        ask("digits:predict", {"signature_name": name, "instances": rows})
    assert "other" in ask("digits:predict", {"signature_name": "other", "instances": rows}, 400)["error"]


def case_classify():
    array = rows_of("digits", 3)
    scores = predicted(ADDRESS, "digits", array)
    reply = ask("digits:classify", {"examples": [{"pixels": row} for row in array.tolist()]})
    assert len(reply["results"]) == 3, reply
    for row, pairs in zip(scores, reply["results"]):
        assert sorted(label for label, _ in pairs) == [str(i) for i in range(10)], pairs
        for label, score in pairs:
            same_bits(numpy.array([score], "f4"), row[int(label):int(label) + 1])
    ask("digits:classify", {"signature_name": "tensorflow/serving/classify", "context": {}, "examples": [{"pixels": array[0].tolist()}]})


def case_regress():
    assert ask("half_plus_two:regress", {"examples": [{"x": 1.0}, {"x": 2.0}]}) == {"results": [2.5, 3.0]}
    assert ask("half_plus_two:regress", {"context": {"x": 2.0}, "examples": [{}]}, 200) == {"results": [3.0]}


def case_status():
    reply = ask("half_plus_two")
    (version,) = reply["model_version_status"]
    assert version["version"] == "1" and version["state"] == "AVAILABLE", reply
    assert version["status"] == {"error_code": "OK", "error_message": ""}, reply
    assert ask("half_plus_two/versions/1")["model_version_status"] == [version]
    assert "nobody" in ask("nobody", status=404)["error"]
    assert "9" in ask("half_plus_two/versions/9", status=404)["error"]


def case_metadata():
    reply = ask("digits/metadata")
    assert reply["model_spec"] == {"name": "digits", "signature_name": "", "version": "1"}, reply
    signature = reply["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["pixels"]["dtype"] == "DT_FLOAT", signature
    assert [dim["size"] for dim in signature["inputs"]["pixels"]["tensor_shape"]["dim"]] == ["-1", "64"], signature
    assert signature["method_name"] == "tensorflow/serving/predict", signature


def case_labels():
    row = rows_of("digits", 1).tolist()
    assert ask("labelled/labels/stable:predict", {"instances": row}) == ask("labelled/versions/1:predict", {"instances": row})
    assert "canary" in ask("labelled/labels/canary:predict", {"instances": row}, 404)["error"]


def case_errors():
    assert "64" in ask("digits:predict", {"instances": [[1, 2, 3]]}, 400)["error"]
    assert ask("digits:predict", {}, 400)["error"]
    assert ask("digits:predict", {"instances": [], "inputs": []}, 400)["error"]
    assert "nobody" in ask("nobody:predict", {"instances": [1.0]}, 404)["error"]
    reply = requests.post(f"{MODELS}/digits:predict", data="{", timeout=60)
    assert reply.status_code == 400 and reply.json()["error"], reply.text


if __name__ == "__main__":
    run(globals())
