"""activations.py - ONNX's activations: each as JSON and, where its parameters are single numbers, as .npy."""
from urllib.parse import urlencode

import numpy as np

from service import same

# op_type -> attribute of the node: parameter of the API. ONNX's names of operators are aliases.
PARAMETERS = {
    "Celu": {"alpha": "alpha"},
    "Clip": {},
    "Elu": {"alpha": "alpha"},
    "Exp": {},
    "Gelu": {},
    "HardSigmoid": {"alpha": "alpha", "beta": "beta"},
    "HardSwish": {},
    "Hardmax": {"axis": "axis"},
    "Identity": {},
    "LeakyRelu": {"alpha": "alpha"},
    "LogSoftmax": {"axis": "axis"},
    "Mish": {},
    "PRelu": {},
    "Relu": {},
    "Selu": {"alpha": "alpha", "gamma": "gamma"},
    "Shrink": {"bias": "bias", "lambd": "lambd"},
    "Sigmoid": {},
    "Softmax": {"axis": "axis"},
    "Softplus": {},
    "Softsign": {},
    "Swish": {"alpha": "alpha"},
    "Tanh": {},
    "ThresholdedRelu": {"alpha": "alpha"},
}
OP_TYPES = PARAMETERS

# name -> why the API has no form for it
CANNOT = {
    "test_clip_default_int8_inbounds": "int8",
    "test_clip_default_int8_max": "int8",
    "test_clip_default_int8_min": "int8",
    "test_identity_sequence": "a sequence, not a tensor",
    "test_identity_opt": "an optional, not a tensor",
}


def name_of(case):
    if case.op_type == "Gelu" and case.attribute("approximate", "none") == "tanh":
        return "gelu_tanh"
    return case.op_type


def parameters_of(case):
    given = {ours: case.attribute(theirs) for theirs, ours in PARAMETERS[case.op_type].items()}
    if case.op_type == "Clip":  # an input that is left out is no bound
        given.update(zip(("min", "max"), (x if x is None else x.item() for x in case.inputs[1:])))
    return {name: value for name, value in given.items() if value is not None}


def check(service, case):
    assert all(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in case.inputs[:1]), "no floats"
    x, path, numbers = case.inputs[0], "/v1/activations/" + name_of(case), parameters_of(case)
    axis = numbers.pop("axis", None)
    parameters = dict(numbers)
    if case.op_type == "PRelu":
        parameters["alpha"] = case.inputs[1].reshape(-1).tolist()

    reply = service.json(path, data=x, dialect="onnx", axis=axis, parameters=parameters or None)
    same(case.op_type, reply["data"], case.outputs[0])
    if case.op_type == "PRelu":
        return  # a slope per element is no query
    query = dict(numbers, dialect="onnx", **({} if axis is None else {"axis": axis}))
    same("as .npy", service.npy(path + "?" + urlencode(query), x.astype(np.float32))[0], case.outputs[0])
