"""hooks.py - what schemathesis is to do and check besides its own: found by SCHEMATHESIS_HOOKS, and $AXOND_BASE.

Paths name what there is: made-up names are 404, which says nothing of a body. Every other
request that fits the schema is mended in what a schema cannot say (arrays are made rectangular, rows as wide as the model ...): they test what is
answered, and the rest what is refused: with a code that the operation's x-refusals has. Choices depend on the request
alone. At the end $AXOND_COUNTS has a line for each operation: how many requests it took, and how many it refused.
"""
import atexit
import collections
import json
import os
import random
import struct
import urllib.parse
import urllib.request

import schemathesis
from schemathesis.generation import GenerationMode

BASE = os.environ["AXOND_BASE"]


def get(path):
    with urllib.request.urlopen(BASE + path) as reply:
        return json.load(reply)


def ask(method, path, body):
    with urllib.request.urlopen(urllib.request.Request(BASE + path, json.dumps(body).encode(), method=method)) as reply:
        reply.read()


def host(name):
    """A model more, as SageMaker loads it."""
    ask("POST", "/models", {"model_name": name, "url": os.environ["AXOND_HOSTED"]})


ACTIVATIONS = {a["name"]: a for a in get("/v1/activations")["activations"]}
LOSSES = {loss["name"]: loss for loss in get("/v1/losses")["losses"]}
FEATURES = {m["name"]: m["inputs"][0] for m in get("/v1/models")["models"]}
counts = collections.Counter()


def serve_rows():
    """A baseline needs some, and not all alike."""
    for model, port in FEATURES.items():
        ask("POST", f"/v1/models/{model}:predict", {"instances": [[x] * port["shape"][1] for x in (0.5, 2)]})


host("hosted")
serve_rows()


def numbers(value):
    """All numbers in nested arrays."""
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def shaped(values, shape):
    """Nested arrays of that shape, the values again and again."""
    flat = iter(values * (1 + 1000 // len(values)))

    def build(dims):
        return [build(dims[1:]) for _ in range(dims[0])] if dims else next(flat)
    return build(shape)


def mend_application(case, pick):
    """Rectangular data; axis, upstream and parameters as the activation has them."""
    activation, body = ACTIVATIONS[case.path_parameters["activation"]], case.body
    kind, shape = activation["kind"], [pick.randint(1, 3) for _ in range(pick.randint(1, 4))]
    if kind == "gated":
        shape[-1] = 2 * shape[-1]
    values = [max(-9, min(9, n)) for n in numbers(body["data"])] or [1.5]
    body = {key: body[key] for key in ("gradient", "dialect") if key in body}
    body["data"] = shaped(values, shape)
    if kind != "elementwise":
        body.pop("gradient", None)
        body["axis"] = -1
    if pick.random() < 0.5:
        body["upstream"] = shaped(values, shape[:-1] + [shape[-1] // 2] if kind == "gated" else shape)
        body["gradient"] = True
    if pick.random() < 0.5:
        body["parameters"] = {p["name"]: p["default"] for p in activation["parameters"]}
    case.body, case.query = body, {k: v for k, v in (case.query or {}).items() if k == "non_finite"}


def mend_evaluation(case, pick):
    """Predictions that the loss takes, and a target that every loss takes: rows with a single 1."""
    rows, columns = pick.randint(1, 3), pick.randint(1, 4)
    values = [max(-9, min(9, n)) for n in numbers(list(case.body.values()))] or [0.5]
    right = [pick.randrange(columns) for _ in range(rows)]
    target = [[float(c == right[r]) for c in range(columns)] for r in range(rows)]
    loss = LOSSES[case.path_parameters["loss"]]
    body = {loss["input"]: shaped(values, [rows, columns]), "targets": target}
    if loss["target_kinds"] == ["class_index"]:
        body["targets"] = right
    options = {o["name"]: o["default"] for o in loss["options"]}
    if "variances" in options:
        body["variances"] = 1.5
    if pick.random() < 0.5:
        body.update({name: value for name, value in options.items() if value is not None})
        body["reduction"] = pick.choice(["mean", "sum", "none", "batchmean"])
    case.body = body
    case.query = {k: v for k, v in (case.query or {}).items() if k == "non_finite"}


def port_of(case):
    """The input of the path's model; /invocations asks the one of --model-name."""
    return FEATURES[case.path_parameters.get("model", "tiny")]


def mend_prediction(case, pick):
    """Rows as wide as the model's input, under its name or not."""
    port, body, rows = port_of(case), dict(case.body), pick.randint(0, 3)
    key = "instances" if "instances" in body else "inputs"
    values = [max(-9, min(9, n)) for n in numbers(body[key])] or [0.5]
    data = shaped(values, [rows, port["shape"][1]])
    if pick.random() < 0.5:
        data = [{port["name"]: row} for row in data] if key == "instances" else {port["name"]: data}
    case.body = {key: data, **{k: v for k, v in body.items() if k in ("signature_name", "parameters")}}


def mend_examples(case, pick):
    """The model's input by its name, in each example or in the context."""
    port, body = port_of(case), {k: v for k, v in case.body.items() if k in ("signature_name", "parameters")}
    values = [max(-9, min(9, n)) for n in numbers([list(e.values()) for e in case.body["examples"] if isinstance(e, dict)])] or [0.5]
    rows = [{port["name"]: row} for row in shaped(values, [pick.randint(0, 3), port["shape"][1]])]
    if pick.random() < 0.3:
        body["context"], rows = {port["name"]: shaped(values, [port["shape"][1]])}, [{}, *rows]
    case.body = {"examples": rows, **body}


def mend_rows(case, pick):
    """At least a row, and what the loss of the model compares its output with."""
    model, least = case.path_parameters["model"], int(case.operation.path.endswith(":gradients"))
    values, rows = [max(-9, min(9, n)) for n in numbers(case.body["instances"])] or [0.5], pick.randint(least, 3)
    body = {"instances": shaped(values, [rows, FEATURES[model]["shape"][1]])}
    if least and model == "tiny":
        body["labels"] = [pick.randint(0, 1) for _ in range(rows)]
    elif least:
        body["targets"] = shaped(values, [rows, 1])
    case.body = body


def mend_inference(case, pick):
    """The model's own input by its name, flat or nested, and its own output or none named."""
    port, body, rows = port_of(case), dict(case.body), pick.randint(0, 3)
    values = [max(-9, min(9, n)) for n in numbers([i.get("data") for i in body["inputs"] if isinstance(i, dict)])] or [0.5]
    shape = [rows, port["shape"][1]]
    data = shaped(values, [shape[0] * shape[1]] if pick.random() < 0.5 else shape)
    case.body = {"inputs": [{"name": port["name"], "shape": shape, "datatype": "FP32", "data": data}],
                 **{k: v for k, v in body.items() if k == "id"}}


def mend_load(case, pick):
    """As it is on disk, with a config that is none, or with a file."""
    case.body = {"parameters": pick.choice([{}, {"config": "{}"}, {"file:1/weights.npz": "AAAA"}])}


def mend_blobs(case, pick):
    """A tensor's bytes after the JSON, whose length a header tells."""
    port, rows = port_of(case), pick.randint(0, 3)
    blob = struct.pack(f"<{rows * port['shape'][1]}f", *([0.5] * rows * port["shape"][1]))
    tensor = {"name": port["name"], "datatype": "FP32", "shape": [rows, port["shape"][1]], "parameters": {"binary_data_size": len(blob)}}
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": pick.random() < 0.5}}).encode()
    case.body = text + blob
    case.headers["Inference-Header-Content-Length"] = str(len(text))


def npy(values, shape, descr="<f4"):
    head = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)}) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack(f"<H{len(head)}s{len(values)}f", len(head), head.encode(), *values)


def mend_arrays(case, pick):
    """Rows as an array, for gradients with what is true of them; a JSON body has all keys itself."""
    case.query = {k: v for k, v in (case.query or {}).items() if k in ("non_finite", "input_gradient") and not isinstance(case.body, dict)
                  or k == "non_finite"}
    if case.media_type == "application/x-npy":
        width, rows = port_of(case)["shape"][1], pick.randint(1, 3)
        case.body = npy([0.5] * rows * width, [rows, width])
        if case.operation.path.endswith(":gradients"):
            case.body += npy([1] * rows, [rows, 1])


def mend_invocation(case, pick):
    """One of the forms: V2's tensors, MLflow's data frames or arrays, or rows."""
    inputs = case.body.get("inputs")
    if isinstance(inputs, list) and any(isinstance(i, dict) for i in inputs):
        mend_inference(case, pick)
    elif "instances" in case.body or "inputs" in case.body:
        mend_prediction(case, pick)
    elif "dataframe_split" in case.body:
        names = [port_of(case)["name"]] if port_of(case)["shape"][1] == 1 else None
        case.body = {"dataframe_split": {"columns": names, "data": shaped([0.5, -2], [pick.randint(0, 3), port_of(case)["shape"][1]])}}


def mend(case, pick):
    case.path_parameters = dict(case.path_parameters)
    for name, known in (("activation", sorted(ACTIVATIONS)), ("loss", sorted(LOSSES)), ("model", ["scorer", "tiny"]),
                        ("opaque", ["hosted"]), ("asset", ["index.html", "page.css", "page.js"])):
        if name in case.path_parameters:
            case.path_parameters[name] = pick.choice(known)
    if case.path_parameters.get("model") and ("version" in case.path_parameters or "label" in case.path_parameters):
        case.path_parameters["model"] = "tiny"
        case.path_parameters.update({k: v for k, v in (("version", 1), ("label", "stable")) if k in case.path_parameters})
    if case.operation.path.endswith(":regress") and pick.random() < 0.9:
        case.path_parameters["model"] = "half_plus_two"
    if case.operation.path.endswith(("/index", "/unload")):
        case.body = {"ready": pick.random() < 0.5, "parameters": {"unload_dependents": True}}
    if pick.random() < 0.5:
        return
    if isinstance(case.body, bytes) and case.operation.path.endswith("/infer"):
        mend_blobs(case, pick)
    if case.operation.path.endswith((":predict", ":gradients", ":explain")):
        mend_arrays(case, pick)
    if not isinstance(case.body, dict):
        return
    if case.operation.path == "/models":
        case.body = {"model_name": "another", "url": os.environ["AXOND_HOSTED"]}
    elif case.operation.path.endswith(("/invocations", "/invoke")):
        mend_invocation(case, pick)
    elif case.operation.path.endswith("/load"):
        mend_load(case, pick)
    elif case.operation.path.endswith("/infer"):
        mend_inference(case, pick)
    elif "examples" in case.body:
        mend_examples(case, pick)
    elif "data" in case.body:
        mend_application(case, pick)
    elif "loss" in case.path_parameters:
        mend_evaluation(case, pick)
    elif case.operation.path.endswith((":gradients", ":explain")):
        if "instances" in case.body:
            mend_rows(case, pick)
    elif "instances" in case.body or "inputs" in case.body:
        mend_prediction(case, pick)


def fits_schema(case):
    """All parts of it: schemathesis spoils one of them, or none."""
    return case.meta is not None and all(
        mode == GenerationMode.POSITIVE
        for mode in [case.meta.generation.mode, *(part.mode for part in case.meta.components.values())])


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.media_type == "text/csv" and not isinstance(case.body, (str, bytes)):
        case.body = b""  # what is no text in Python is text on its way, and may be a table
    if case.media_type != "application/octet-stream" and (case.headers or {}).get("Inference-Header-Content-Length") == "0":
        del case.headers["Inference-Header-Content-Length"]  # it makes any body the bytes of a tensor
    if fits_schema(case):
        mend(case, random.Random(repr((case.operation.label, case.path_parameters, case.body, case.query))))


@schemathesis.hook
def after_call(context, case, response):
    """A model that was unloaded comes back, one that was loaded goes: the others ask for them, too."""
    path = case.operation.path
    if path.endswith(("/load", "/unload")):
        for model in FEATURES:
            ask("POST", f"/v2/repository/models/{model}/load", {})
        serve_rows()
    elif response.status_code == 200 and path == "/models" and case.method == "POST":
        ask("DELETE", "/models/" + urllib.parse.quote(case.body["model_name"], safe=""), None)
    elif response.status_code == 200 and case.method == "DELETE":
        host("hosted")


@schemathesis.check
def refusals_are_described(context, response, case):
    if not fits_schema(case):
        return
    counts[case.operation.label, response.status_code < 300] += 1
    if response.status_code < 300:
        return
    described = {r["code"] for r in case.operation.definition.raw.get("x-refusals", [])}
    code = response.json()["code"]
    assert 400 <= response.status_code < 500 and code in described, f"{code}, x-refusals has {sorted(described)}"


@atexit.register
def write_counts():
    with open(os.environ["AXOND_COUNTS"], "w", encoding="utf-8") as file:
        for label in sorted({label for label, _ in counts}):
            print(label, counts[label, True], counts[label, False], sep="\t", file=file)
