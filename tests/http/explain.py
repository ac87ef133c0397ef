"""explain.py write FOLDER ROWS | explain.py check BASE FOLDER - a model of named sensors, its rows, and what :explain must say of
them against their baseline: plain loops in doubles, without NumPy and without a word of axond's code."""
import json
import math
import pathlib
import random
import struct
import sys
import urllib.request

SENSORS = ["inlet \"A\"", "outlet", "bearing", "oil", "vibration", "humidity", "current", "voltage"]
UNITS, CLASSES = 12, 3


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def weights():
    source = random.Random(3)
    return [[[f32(source.gauss(0, math.sqrt(2 / a))) for _ in range(a)] for _ in range(b)]
            for a, b in ((len(SENSORS), UNITS), (UNITS, CLASSES))]


def rows():
    """400 of them: a sensor goes up and down by 1 or 2 around its own level, which is 3.5 deviations from 0 for all but the last."""
    source = random.Random(4)
    spread = [1 + i % 2 for i in range(len(SENSORS))]
    level = [3.5 * s / math.sqrt(3) for s in spread[:-1]] + [0.1]
    return [[f32(source.uniform(m - s, m + s)) for m, s in zip(level, spread)] for _ in range(400)]


def write(folder, target):
    hidden, output = weights()
    config = {"task": "multiclass", "input": {"features": len(SENSORS), "columns": SENSORS}, "layers": [
        {"name": "hidden1", "units": UNITS, "activation": "relu", "weight": hidden, "bias": [0.1] * UNITS},
        {"name": "output", "units": CLASSES, "activation": "softmax", "weight": output, "bias": [0] * CLASSES}],
        "output": {"name": "state", "labels": ["calm", "busy", "broken"]}}
    path = pathlib.Path(folder) / "sensors"
    (path / "1").mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config))
    x = rows()
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (len(x), len(SENSORS))}).encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    with open(target, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        for row in x:
            file.write(struct.pack("<%df" % len(row), *row))


def moments(columns):
    means = [sum(c) / len(c) for c in columns]
    return means, [math.sqrt(sum((v - m) ** 2 for v in c) / len(c)) for c, m in zip(columns, means)]


def ask(base, x, **more):
    body = json.dumps({"instances": x, **more}).encode()
    with urllib.request.urlopen(urllib.request.Request(base + "/v1/models/sensors:explain", body)) as reply:
        return json.load(reply)


def forward(x):
    hidden, output = weights()
    h = [max(0.0, 0.1 + sum(w * v for w, v in zip(ws, x))) for ws in hidden]
    return h, [sum(w * v for w, v in zip(ws, h)) for ws in output]


def near(got, want):
    return got is not None and abs(got - want) <= 2e-5 * (1 + abs(want))


def is_right(row, x, habits):
    """One row's explanation: each list is sorted, complete and what the formulas say."""
    (means, stds), (unit_means, unit_stds) = habits
    hidden, output = weights()
    h, z = forward(x)
    c = max(range(CLASSES), key=z.__getitem__)
    gradient = [sum(output[c][u] * hidden[u][f] for u in range(UNITS) if h[u] > 0) for f in range(len(x))]
    contributions = {SENSORS[f]: gradient[f] * (x[f] - means[f]) for f in range(len(x))}
    odd = {SENSORS[f]: (x[f] - means[f]) / stds[f] for f in range(len(x))}
    units = {u: (h[u] - unit_means[u]) / unit_stds[u] for u in range(UNITS) if unit_stds[u] > 0}
    for key, name, size, want in (("features", "feature", "contribution", contributions), ("odd_features", "feature", "z", odd)):
        sizes = [abs(e[size]) for e in row[key]]
        if sizes != sorted(sizes, reverse=True) or {e[name] for e in row[key]} != set(want):
            return "%s: %s" % (key, row[key])
        if not all(near(e[size], want[e[name]]) for e in row[key]):
            return "%s: %s, not %s" % (key, row[key], want)
    given = {e["unit"]: e["z"] for e in row["layers"][0]["units"]}
    if row["layers"][0]["name"] != "hidden1" or not all(near(given[u], units[u]) for u in units):
        return "units: %s, not %s" % (given, units)
    p = math.exp(z[c]) / sum(map(math.exp, z))
    return "" if row["class"] == c and near(row["logit"], z[c]) and near(row["confidence"], p) else "class: %s" % row


def check(base):
    x = rows()
    hidden = [forward(row)[0] for row in x]
    habits = moments(list(zip(*x))), moments(list(zip(*hidden)))
    reply = ask(base, x, top_k=UNITS)
    failures = [text for row, values in zip(reply["explanations"], x) if (text := is_right(row, values, habits))]
    print("# %d of %d rows are explained right, baseline %s" % (len(x) - len(failures), len(x), reply["baseline"]))
    if failures or reply["baseline"] != {"rows": len(x)}:
        print("# " + "; ".join(failures[:1]))
        return False
    # A sensor at 0, where that is three deviations from its mean, is the oddest in every row.
    for f, name in enumerate(SENSORS[:-1]):
        stuck = ask(base, [[0.0 if i == f else v for i, v in enumerate(row)] for row in x], top_k=1)["explanations"]
        if any(row["odd_features"][0]["feature"] != name for row in stuck):
            return False
    # A sensor of ten times its maximum is what the logit hangs on, in 95 % of the rows.
    first = 0
    for f, name in enumerate(SENSORS):
        most = 10 * max(row[f] for row in x)
        wild = ask(base, [[most if i == f else v for i, v in enumerate(row)] for row in x], top_k=1)["explanations"]
        first += sum(row["features"][0]["feature"] == name for row in wild)
    print("# %.2f %% of the planted sensors rank first" % (100 * first / len(x) / len(SENSORS)))
    return first >= 0.95 * len(x) * len(SENSORS)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3])
        sys.exit(0)
    sys.exit(not check(sys.argv[2]))
