"""gradients.py write FOLDER | gradients.py check BASE MODEL ROWS - networks whose gradients fade, burst or live, and what a
plain back-propagation in doubles says of them. Without NumPy, and without a word of axond's code."""
import json
import math
import random
import struct
import sys
import urllib.request

RELU = (lambda z: max(z, 0.0), lambda z: 1.0 if z > 0 else 0.0)
SIGMOID = (lambda z: 1 / (1 + math.exp(-z)), lambda z: 1 / (1 + math.exp(-z)) * (1 - 1 / (1 + math.exp(-z))))
TANH = (math.tanh, lambda z: 1 - math.tanh(z) ** 2)
ACTIVATIONS = {"relu": RELU, "sigmoid": SIGMOID, "tanh": TANH}

# name: layers, width, activation, standard deviation of a weight times the root of its layer's width, what it must be
NETWORKS = {
    "faded": (12, 12, "sigmoid", 1.0, "vanishing"),
    "burst": (8, 12, "relu", 40.0, "exploding"),
    "he": (10, 48, "relu", math.sqrt(2), "healthy"),
    "tanh": (3, 16, "tanh", 1.0, "healthy"),
}
FEATURES, CLASSES = 6, 4


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def network(name):
    """-> [(weight [units][features], bias [units])]: hidden layers, and the output's"""
    layers, width, _, gain, _ = NETWORKS[name]
    source = random.Random(name)
    sizes = [FEATURES] + [width] * layers + [CLASSES]
    return [([[f32(source.gauss(0, gain / math.sqrt(a))) for _ in range(a)] for _ in range(b)], [f32(source.gauss(0, 0.1)) for _ in range(b)])
            for a, b in zip(sizes, sizes[1:])]


def config(name):
    layers = [{"name": "h%d" % i, "units": len(bias), "activation": NETWORKS[name][2], "weight": weight, "bias": bias}
              for i, (weight, bias) in enumerate(network(name))]
    layers[-1].update(name="output", activation="softmax")
    return {"task": "multiclass", "input": {"features": FEATURES}, "layers": layers, "output": {"name": "y"}}


def forward(name, layers, x):
    """-> [pre], [in] of each layer"""
    pres, ins = [], [x]
    for i, (weight, bias) in enumerate(layers):
        pres.append([b + sum(w * v for w, v in zip(ws, ins[-1])) for ws, b in zip(weight, bias)])
        if i + 1 < len(layers):
            ins.append([ACTIVATIONS[NETWORKS[name][2]][0](z) for z in pres[-1]])
    return pres, ins


def softmax(z):
    top = max(z)
    e = [math.exp(v - top) for v in z]
    return [v / sum(e) for v in e], top + math.log(sum(e))


def reference(name, rows, labels):
    """-> what :gradients must answer, in doubles"""
    layers, slope = network(name), ACTIVATIONS[NETWORKS[name][2]][1]
    by_weight = [[[0.0] * len(w[0]) for _ in w] for w, _ in layers]
    by_bias = [[0.0] * len(b) for _, b in layers]
    squares, slopes, loss, by_input = [0.0] * len(layers), [0.0] * len(layers), 0.0, []
    for x, label in zip(rows, labels):
        pres, ins = forward(name, layers, x)
        p, log_sum = softmax(pres[-1])
        loss += (log_sum - pres[-1][label]) / len(rows)
        back = [(v - (k == label)) / len(rows) for k, v in enumerate(p)]
        for i in reversed(range(len(layers))):
            if i + 1 < len(layers):
                here = [slope(z) for z in pres[i]]
                slopes[i] += sum(map(abs, here)) / len(here) / len(rows)
                back = [b * s for b, s in zip(back, here)]
            squares[i] += sum(b * b for b in back)
            for u, b in enumerate(back):
                by_bias[i][u] += b
                for f, v in enumerate(ins[i]):
                    by_weight[i][u][f] += b * v
            back = [sum(b * w[f] for b, w in zip(back, layers[i][0])) for f in range(len(ins[i]))]
        by_input.append(back)
    rms = [math.sqrt(s / len(b)) for s, (_, b) in zip(squares, layers)]
    figures = [{"weight_gradient_norm": math.sqrt(sum(v * v for u in by_weight[i] for v in u)),
                "bias_gradient_norm": math.sqrt(sum(v * v for v in by_bias[i])),
                "activation_gradient_norm": math.sqrt(squares[i]),
                "derivative_mean": slopes[i] if i + 1 < len(layers) else None,
                "ratio_to_last": rms[i] / rms[-1]} for i in range(len(layers))]
    return {"loss": loss, "layers": figures, "input_gradient": by_input}


def off(got, want):
    if got is None or want is None:
        return 0.0 if got is want else math.inf
    return abs(got - want) / abs(want) if want else abs(got)


def check(base, name, count):
    source = random.Random(5)
    rows = [[f32(source.gauss(0, 1)) for _ in range(FEATURES)] for _ in range(count)]
    labels = [source.randrange(CLASSES) for _ in rows]
    body = json.dumps({"instances": rows, "labels": labels, "input_gradient": True}).encode()
    with urllib.request.urlopen(urllib.request.Request(base + "/v1/models/%s:gradients" % name, body)) as reply:
        got = json.load(reply)
    want = reference(name, rows, labels)
    worst = off(got["loss"], want["loss"])
    for g, w in zip(got["layers"], want["layers"]):
        worst = max([worst] + [off(g[key], w[key]) for key in w])
    largest = max(abs(v) for row in want["input_gradient"] for v in row)
    worst = max([worst] + [abs(a - b) / largest for g, w in zip(got["input_gradient"], want["input_gradient"]) for a, b in zip(g, w)])
    smallest = min(layer["ratio_to_last"] for layer in want["layers"])
    print("# %s, %d rows: off by %.1e; ratio_to_last from %.2g; %s" % (name, count, worst, smallest, got["verdict"]))
    return worst <= 1e-5 and len(got["layers"]) == len(want["layers"]) and got["verdict"] == NETWORKS[name][4]


if __name__ == "__main__":
    if sys.argv[1] == "write":
        import pathlib
        for network_name in NETWORKS:
            folder = pathlib.Path(sys.argv[2]) / network_name
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(config(network_name)))
        sys.exit(0)
    sys.exit(not check(sys.argv[2], sys.argv[3], int(sys.argv[4])))
