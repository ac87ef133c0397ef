"""Models with planted dead units for t4080, and the comparison of each with its compact form.

compact_models.py FOLDER                          writes the models
compact_models.py --compare ADDRESS MODEL BOUND   asks both for 200 random rows of the range
"""
import json
import os
import random
import struct
import sys
import urllib.request

FEATURES = 4


def gauss(rows, columns, size=0.5):
    return [[random.gauss(0, size) for _ in range(columns)] for _ in range(rows)]


def dense(units, features, activation, dead=(), **more):
    """Inline numbers; dead units have a bias that no input can make up for."""
    bias = [-100.0 if u in dead else random.uniform(-0.1, 0.1) for u in range(units)]
    return {"units": units, "activation": activation, "weight": gauss(units, features), "bias": bias, **more}


def tensors_write(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        numbers = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write(folder, name, layers, **more):
    os.makedirs(f"{folder}/{name}/1")
    config = {"task": "multiclass", "input": {"features": FEATURES, "scale": 0.5, "min": -1, "max": [1, 1, 2, 1]},
              "layers": layers, "output": {"labels": ["a", "b", "c"]}, **more}
    with open(f"{folder}/{name}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    with open(f"{folder}/{name}/1/notes.txt", "w", encoding="utf-8") as file:
        file.write("The numbers stand in config.json.\n")


def models_write(folder):
    write(folder, "plain", [dense(8, FEATURES, "relu", dead=(0, 3, 7), name="hidden1"), dense(7, 8, "relu6", dead=(2,)),
                            dense(3, 7, "softmax")])
    # A row at 0 has known hidden values only in Python's own arithmetic; softmax of a loose tolerance is golden enough.
    with open(f"{folder}/plain/1/golden.json", "w", encoding="utf-8") as file:
        json.dump({"instances": [[0, 0, 0, 0]], "predictions": [[1 / 3, 1 / 3, 1 / 3]], "tolerance": 0.9}, file)
    write(folder, "alive", [dense(8, FEATURES, "tanh"), dense(3, 8, "softmax")])
    write(folder, "emptied", [dense(4, FEATURES, "relu", dead=range(4)), dense(3, 4, "softmax")])
    write(folder, "wide", [dense(300, FEATURES, "relu", dead=range(0, 300, 7)), dense(40, 300, "relu", dead=(1,)),
                           dense(3, 40, "softmax")])
    slopes = dense(6, FEATURES, {"name": "prelu", "alpha": [0.1, 0, 0.2, 0, 0.3, 0.4]}, dead=(1, 3))
    write(folder, "slopes", [slopes, {**dense(3, 6, "softmax"), "bias": None}])
    write(folder, "broken", [{"units": 3, "activation": "softmax"}])
    write(folder, "folded", [{"name": "0", "units": 6, "activation": "identity", "bias": None},
                             {"name": "1", "type": "batch_norm", "activation": "relu"},
                             {"name": "2", "type": "batch_norm", "activation": "identity"},
                             {"name": "3", "units": 3, "activation": "softmax"}])
    row = lambda n: [random.uniform(0.5, 1.5) for _ in range(n)]
    tensors_write(f"{folder}/folded/1/weights.safetensors", {
        "0.weight": ([6, FEATURES], [v for r in gauss(6, FEATURES) for v in r]),
        "1.weight": ([6], row(6)), "1.bias": ([6], [-90, 0.1, 0.2, -90, 0.1, 0]),
        "1.running_mean": ([6], row(6)), "1.running_var": ([6], row(6)),
        "2.running_mean": ([6], row(6)), "2.running_var": ([6], row(6)),
        "3.weight": ([3, 6], [v for r in gauss(3, 6) for v in r]), "3.bias": ([3], row(3))})


def predict(address, model, rows):
    request = urllib.request.Request(f"http://{address}/v1/models/{model}:predict",
                                     json.dumps({"instances": rows}).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as reply:
        return json.load(reply)["predictions"]


def compare(address, model, bound):
    rows = [[random.uniform(-1, 2 if f == 2 else 1) for f in range(FEATURES)] for _ in range(200)]
    rows += [[random.choice((-1, 2 if f == 2 else 1)) for f in range(FEATURES)] for _ in range(50)]
    one, other = predict(address, model, rows), predict(address, f"{model}-compact", rows)
    most = max(abs(a - b) for r, s in zip(one, other) for a, b in zip(r, s))
    print(f"# {len(rows)} rows: the largest difference is {most:.3g}")
    return len(one) == len(other) == len(rows) and most <= bound


random.seed(7)
if sys.argv[1] == "--compare":
    sys.exit(0 if compare(sys.argv[2], sys.argv[3], float(sys.argv[4])) else 1)
models_write(sys.argv[1])
