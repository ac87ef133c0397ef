#!/usr/bin/env python3
"""mlp_onnxruntime.py - the networks of mlp.c in ONNX Runtime, one thread, run when mlp.c says so.

Reads lines of `FEATURES UNITS UNITS UNITS ROWS SECONDS`, answers each with the CPU time of one run in ns (the mean
of SECONDS' worth of runs) and a digest of the answer. Inputs and outputs are bound, so that a run copies nothing.
"""
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

LAYERS = 3
ROWS_MAX = 4096


def values(n, seed):
    """As values() in mlp.c."""
    return ((np.arange(n, dtype=np.int64) * 7919 + seed) % 2003 - 1001).astype(np.float32) / np.float32(1001)


def model(sizes):
    nodes, constants, name = [], [], "x"
    for layer in range(LAYERS):
        features, units = sizes[layer], sizes[layer + 1]
        weight = values(units * features, layer).reshape(units, features) / np.float32(np.sqrt(features))
        constants += [
            numpy_helper.from_array(weight, f"weight{layer}"),
            numpy_helper.from_array(values(units, 100 + layer), f"bias{layer}"),
        ]
        nodes.append(helper.make_node("Gemm", [name, f"weight{layer}", f"bias{layer}"], [f"z{layer}"], transB=1))
        last = layer + 1 == LAYERS
        name = "y" if last else f"a{layer}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{layer}"], [name]))
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", sizes[-1]])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made.SerializeToString()


def session(sizes):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model(sizes), options, providers=["CPUExecutionProvider"])


def bound(network, sizes, rows):
    x = values(ROWS_MAX * sizes[0], 1000).reshape(ROWS_MAX, sizes[0])[:rows]
    y = ort.OrtValue.ortvalue_from_numpy(np.zeros((rows, sizes[-1]), np.float32))
    binding = network.io_binding()
    binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", y)
    return binding, y


def main():
    known = None
    for line in sys.stdin:
        *numbers, seconds = line.split()
        *sizes, rows = map(int, numbers)
        if (sizes, rows) != known:
            network = session(sizes)
            binding, y = bound(network, sizes, rows)
            network.run_with_iobinding(binding)
            known = sizes, rows
        runs, start = 0, time.process_time_ns()
        while runs == 0 or time.process_time_ns() - start < float(seconds) * 1e9:
            for _ in range(8 if float(seconds) > 0 and rows < 64 else 1):
                network.run_with_iobinding(binding)
                runs += 1
        spent = (time.process_time_ns() - start) / runs
        last = y.numpy()[rows - 1].astype(np.float64)
        print(f"{spent:.1f} {float(last @ np.arange(1, len(last) + 1)):.9g}", flush=True)


main()
