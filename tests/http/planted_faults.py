"""planted_faults.py FOLDER - models with a fault each, and rows that show it; for t2910-alerts.sh.

Writes FOLDER/models/<model> and FOLDER/<model>.json, the body of a request. Copies of the digits have the fault in their rows. FOLDER/rows.npy
and labels.npy are what their baseline is made of. Standard library only; the numbers are the same on every run.
"""
import json
import random
import shutil
import struct
import sys
from pathlib import Path

ROWS = 450
folder = Path(sys.argv[1])
random.seed(20261130)
digits = json.loads(Path("tests/data/digits/heldout.json").read_text())["instances"]


def write(name, config, rows):
    place = folder / "models" / name
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps(config))
    (folder / f"{name}.json").write_text(json.dumps({"instances": rows}))


def copy(name, rows):
    shutil.copytree("configs/models/digits", folder / "models" / name)
    (folder / f"{name}.json").write_text(json.dumps({"instances": rows}))


def network(layers):
    return {"input": {"features": 4}, "layers": layers, "initializer": "glorot_uniform", "seed": 7}


def layer(units, activation, weight=None, bias=0):
    if weight is None:
        return {"units": units, "activation": activation}
    return {"units": units, "activation": activation, "bias": [bias] * units,
            "weight": [[weight * random.uniform(-1, 1) for _ in range(4)] for _ in range(units)]}


numbers = [[random.gauss(0, 1) for _ in range(4)] for _ in range(ROWS)]

# ReLU units with a bias that no row outweighs.
write("dead", network([layer(8, "relu", 1, -1e6), layer(1, "identity")]), numbers)
# Sigmoid units with huge weights only switch.
write("saturated", network([layer(8, "sigmoid", 1e4), layer(1, "identity")]), numbers)
# Six sigmoids: a quarter of a gradient passes each, at most.
write("deep", network([layer(8, "sigmoid") for _ in range(6)] + [layer(1, "identity")]), numbers)
# The product overflows on one row in three.
write("broken", network([layer(8, "identity", 1e38), layer(1, "identity")]), [[1e3] * 4 if i % 3 == 0 else row for i, row in enumerate(numbers)])
# One sigmoid layer that works as it should.
write("mild", network([layer(8, "sigmoid"), layer(1, "identity")]), numbers)
# As they are; divided by 16 twice; and half of the pixels fell out.
copy("well", digits)
copy("divided", [[x / 16 for x in row] for row in digits])
copy("stuck", [[x if i < 32 else 0 for i, x in enumerate(row)] for row in digits])
# A canary, which repeats one row: it proves nothing, though every unit is at an end, no gradient passes, or the network is not sure of it.
write("canary", network([layer(4, "sigmoid", 1e4) for _ in range(2)] + [layer(1, "identity")]), ROWS * [numbers[0]])
copy("unsure", ROWS * [[x / 16 for x in digits[0]]])


def npy(name, descr, letter, shape, values):
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    (folder / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}{letter}", *values))


labels = json.loads(Path("tests/data/digits/labels.json").read_text())
labels = labels["labels"] if isinstance(labels, dict) else labels
npy("rows.npy", "<f4", "f", (len(digits), 64), [x for row in digits for x in row])
npy("labels.npy", "<i8", "q", (len(labels),), labels)
