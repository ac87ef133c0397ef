"""forms.py - the ways to ask a model: the body and headers of a request, and the numbers of its reply.

A body's rows are the same in every form, and so must be the answers.
"""

import array
import collections
import json

# write: (model's input name, rows) -> (body, headers); read: reply -> numbers
Form = collections.namedtuple("Form", "name title path write read")


def _text(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _instances(_name, rows):
    return _text({"instances": rows}), {}


def _predictions(reply):
    return [float(x) for row in json.loads(reply)["predictions"] for x in row]


def _tensor(name, rows, **more):
    return {"name": name, "shape": [len(rows), len(rows[0])], "datatype": "FP32", **more}


def _tensors(name, rows):
    return _text({"inputs": [_tensor(name, rows, data=[x for row in rows for x in row])]}), {}


def _outputs(reply):
    return [float(x) for x in json.loads(reply)["outputs"][0]["data"]]


def _blobs(name, rows):
    """As tritonclient sends it when it lists no outputs."""
    blob = array.array("f", (x for row in rows for x in row)).tobytes()
    inputs = [_tensor(name, rows, parameters={"binary_data_size": len(blob)})]
    text = _text({"inputs": inputs, "parameters": {"binary_data_output": True}})
    return text + blob, {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(text))}


def _output_blobs(reply):
    # Every byte is a character of this encoding: where the text ends, the blob begins.
    head, end = json.JSONDecoder().raw_decode(reply.decode("latin-1"))
    if head["outputs"][0]["parameters"]["binary_data_size"] != len(reply) - end:
        raise ValueError("sizes disagree")
    return list(array.array("f", reply[end:]))


FORMS = {
    f.name: f
    for f in (
        Form("predict", ":predict", "/v1/models/{}:predict", _instances, _predictions),
        Form("v2", "V2, JSON", "/v2/models/{}/infer", _tensors, _outputs),
        Form("v2-binary", "V2, binary", "/v2/models/{}/infer", _blobs, _output_blobs),
    )
}
