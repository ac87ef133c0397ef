"""A small network in doubles, and every figure of its neurons after known rows; for exact_clients.py.

Weights and rows are small whole numbers, and quarters of them, so that whether a unit fires is the same in float32 and in doubles, but for layers
after a curve. The class "d" is e^-tag times as likely as "c", whatever the row: a reply tells which weights have answered. Unit 0 of
the first layer always fires, 1 fires for the rows of clients that leave, 2 never; 3 overflows if feature 6 is BIG; 4 to 7 are features 0 to 3.
"""

import json
import math
import os
import random
import struct

FEATURES, CLASSES = 8, "abcd"
LEAVING, BIG = 7, 6  # features
FLOAT_MAX = 3.4028234663852886e38
HIDDEN = ["hidden1", "hidden2", "hidden3"]
ACTIVATIONS = ["relu", "tanh", "silu"]  # or others: use()
OUTPUT_SCALE = 1 / 64  # of the last layer's weights: probabilities are no 0, however large relu's outputs are


def use(activations):
    """Those of the hidden layers; before the first row is made."""
    ACTIVATIONS[:] = activations


def weights_of():
    """-> [(weight rows, bias)] of the four layers"""
    rng = random.Random(12)
    first = [[0] * FEATURES for _ in range(12)]
    first[1][LEAVING], first[3][BIG] = 1, 1e38
    for u in range(4):
        first[4 + u][u] = 1
    for u in range(8, 12):
        first[u] = [rng.randrange(-2, 3) for _ in range(6)] + [0, 0]
    layers = [(first, [1, 0, -1] + [0] * 5 + [rng.randrange(-1, 2) for _ in range(4)])]
    for units, before in ((6, 12), (5, 6), (4, 5)):
        weight = [[rng.randrange(-3, 4) / 4 for _ in range(before)] for _ in range(units)]
        layers.append((weight, [rng.randrange(-2, 3) / 4 for _ in range(units)]))
    layers[3] = [[OUTPUT_SCALE * w for w in row] for row in layers[3][0]], layers[3][1]
    layers[3][0][3] = list(layers[3][0][2])
    return layers


WEIGHTS = weights_of()


def biases(layer, tag):
    bias = list(WEIGHTS[layer][1])
    if layer == 3:
        bias[3] = bias[2] - tag
    return bias


def write_config(folder, more):
    layers = [
        {"name": name, "units": len(WEIGHTS[i][0]), "activation": activation}
        for i, (name, activation) in enumerate(zip(HIDDEN + ["output"], ACTIVATIONS + ["softmax"]))
    ]
    config = {"task": "multiclass", "input": {"features": FEATURES}, "layers": layers, "output": {"labels": list(CLASSES)}}
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        json.dump(config | more, file)


def write_weights(folder, version, tag):
    """Renamed into place: a reload never sees half a file."""
    header, data = {}, b""
    for layer, name in enumerate(HIDDEN + ["output"]):
        weight = WEIGHTS[layer][0]
        for part, shape, values in (
            ("weight", [len(weight), len(weight[0])], [w for row in weight for w in row]),
            ("bias", [len(weight)], biases(layer, tag)),
        ):
            bytes_of = struct.pack(f"<{len(values)}f", *values)
            header[f"{name}.{part}"] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bytes_of)]}
            data += bytes_of
    text = json.dumps(header).encode()
    os.makedirs(f"{folder}/{version}", exist_ok=True)
    with open(f"{folder}/{version}/new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    os.rename(f"{folder}/{version}/new", f"{folder}/{version}/weights.safetensors")


# ---- one row


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def as_float(z):
    """Overflow as in float32."""
    return math.copysign(math.inf, z) if abs(z) > FLOAT_MAX else z


def activate(activation, z):
    if activation == "relu":
        return z if math.isnan(z) or z > 0 else 0.0
    if activation == "tanh":
        return math.tanh(z)
    return -0.0 if z < -700 else z / (1 + math.exp(-z))


def forward(row):
    """-> [(z, y)] of the hidden layers, and the logits without the tag; [float] each"""
    x, seen = row, []
    for layer, (weight, bias) in enumerate(WEIGHTS):
        z = [as_float(sum(w * v for w, v in zip(ws, x)) + b) for ws, b in zip(weight, bias)]
        if layer == 3:
            return seen, z
        x = [activate(ACTIVATIONS[layer], v) for v in z]
        seen.append((z, x))
    raise AssertionError


def answer(logits, tag):
    z = logits[:3] + [logits[2] - tag]
    if not all(map(math.isfinite, z)):
        return [math.nan] * len(z)
    e = [math.exp(v - max(z)) for v in z]
    return [v / sum(e) for v in e]


class Row:
    """A row with all its outputs, and as the text that clients send."""

    def __init__(self, x):
        self.x = x
        self.hidden, self.logits = forward(x)
        self.text = "[" + ",".join("NaN" if math.isnan(v) else f"{v:g}" for v in x) + "]"
        values = [v for _, y in self.hidden for v in y] + self.logits
        self.not_finite = sum(not math.isfinite(v) for v in values)
        self.counts = self.not_finite == 0 and all(map(math.isfinite, x))
        # A unit of the third layer, after a curve, fires in float32 as it does here.
        assert not self.counts or ACTIVATIONS[1] == "relu" or min(abs(z) for z in self.hidden[2][0]) > 1e-6


def make_rows():
    """-> {kind: [Row]}; no row of "plain" is another's"""
    rng, plain, known = random.Random(3), [], set()
    while len(plain) < 400:
        x = [rng.randrange(-3, 4) for _ in range(6)] + [0, 0]
        if tuple(x) not in known:
            known.add(tuple(x))
            plain.append(Row(x))
    nan, inf = ([rng.randrange(-3, 4) for _ in range(6)] + [0, 0] for _ in range(2))
    nan[2], inf[BIG] = math.nan, 1000
    return {
        "plain": plain,
        "nan": [Row(nan)],
        "overflow": [Row(inf)],
        "hot": [Row([int(k == u) for k in range(FEATURES)]) for u in range(4)],
        "leaving": [Row([1, -2, 3, -1, 0, 2, 0, 1])],
    }


# ---- figures of many rows


def moments(values, counts, rows):
    mean = math.fsum(c * v for v, c in zip(values, counts)) / rows
    return mean, math.sqrt(math.fsum(c * (v - mean) ** 2 for v, c in zip(values, counts)) / rows)


def ends(activation, y):
    """1 for an output within 1 % of tanh's range of its low end, of its high end"""
    return (y < -0.98, y > 0.98) if activation == "tanh" else (False, False)


def slope(activation, z, y):
    return 1 - y * y if activation == "tanh" else float(z > 0)


def unit_figures(layer, unit, seen, counts, rows):
    z = [row.hidden[layer][0][unit] for row in seen]
    y = [row.hidden[layer][1][unit] for row in seen]
    activation = ACTIVATIONS[layer]
    mean, std = moments(y, counts, rows)
    sides = [sum(c * ends(activation, v)[side] for v, c in zip(y, counts)) for side in (0, 1)]
    outgoing = math.fsum(abs(row[unit]) for row in WEIGHTS[layer + 1][0])
    magnitude = math.fsum(c * abs(v) for v, c in zip(y, counts)) / rows
    return {
        "fired": sum(c * (v > 0) for v, c in zip(z, counts)),
        "mean": mean,
        "std": std,
        "magnitude": magnitude,
        "contribution": magnitude * outgoing,
        "ends": sides,
        "slope": math.fsum(c * slope(activation, a, b) for a, b, c in zip(z, y, counts)) / rows,
        "largest": max(map(abs, y)),
    }


class Figures:
    """All figures after rows were served so many times: {Row: times}."""

    def __init__(self, served):
        self.seen = [row for row in served if row.counts]
        self.counts = [served[row] for row in self.seen]
        self.rows = sum(self.counts)
        self.skipped = sum(served.values()) - self.rows
        self.layers = [
            [unit_figures(layer, u, self.seen, self.counts, self.rows) for u in range(len(WEIGHTS[layer][0]))]
            for layer in range(len(HIDDEN))
        ]

    def layer_moments(self, layer):
        values = [v for row in self.seen for v in row.hidden[layer][1]]
        counts = [c for c in self.counts for _ in self.layers[layer]]
        return moments(values, counts, self.rows * len(self.layers[layer]))

    def input(self):
        columns = list(zip(*(row.x for row in self.seen)))
        both = [moments(column, self.counts, self.rows) for column in columns]
        return {
            "min": list(map(min, columns)),
            "max": list(map(max, columns)),
            "mean": [mean for mean, _ in both],
            "std": [std for _, std in both],
        }
