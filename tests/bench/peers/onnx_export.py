"""onnx_export.py REPOSITORY FOLDER - write FOLDER/<model>.onnx for every model of a repository."""

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

import model

OPERATORS = {"relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}


def export(name, layers):
    nodes, constants, at = [], [], "x"
    for i, (weight, bias, activation) in enumerate(layers):
        last = i == len(layers) - 1
        constants += [
            numpy_helper.from_array(weight.T.copy(), f"w{i}"),
            numpy_helper.from_array(bias, f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [f"z{i}"]))
        at = "y" if last else f"a{i}"
        nodes.append(helper.make_node(OPERATORS[activation], [f"z{i}"], [at]))
    features, units = layers[0][0].shape[1], layers[-1][0].shape[0]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", units])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


folder = Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for name, layers in model.all_of(sys.argv[1]).items():
    onnx.save(export(name, layers), folder / f"{name}.onnx")
