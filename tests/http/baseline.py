"""Baselines over HTTP, against the same figures in doubles.

    baseline.py URL npy MODEL FIRST LAST rows|labels    held-out rows as .npy on standard output
    baseline.py URL planted FOLDER                      a network of four classes without a data set
    baseline.py URL figures MODEL FILE FIRST LAST       baseline.json is what these rows do
    baseline.py URL window MODEL FILE FIRST LAST        drift metrics after these rows, and no others
    baseline.py URL sets MODEL FILE FIRST LAST          sets, row by row, and their coverage
"""

import json
import math
import random
import struct
import sys
import urllib.request

import rows as data

ALPHAS = ("0.1", "0.05", "0.01")
PLANTED_ROWS = 1000
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
URL = sys.argv[1]


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def planted():
    """-> rows, labels: the label is that of the nearest corner, or at random for one row in five"""
    rng = random.Random(7)
    rows = [[f32(rng.gauss(0, 1)) for _ in range(2)] for _ in range(PLANTED_ROWS)]
    labels = [
        rng.randrange(4) if rng.random() < 0.2 else 2 * (r[0] > 0) + (r[1] > 0) for r in rows
    ]
    return rows, labels


def write_planted(folder):
    """Two units a feature, one for each sign; a class's logit is the sum of its corner's."""
    weight = [[1, 0], [-1, 0], [0, 1], [0, -1], [2, 1], [1, 2], [-1, 2], [0.5, -1]]
    output = [[-1, 1, -1, 1, 0, 0, 0, 0], [-1, 1, 1, -1, 0, 0, 0.1, 0]]
    output += [[1, -1, -1, 1, 0.1, 0, 0, 0], [1, -1, 1, -1, 0, 0.1, 0, 0]]
    layers = [
        {"name": "hidden1", "units": 8, "activation": "tanh", "weight": weight},
        {"name": "output", "units": 4, "activation": "identity", "weight": output},
    ]
    config = {"task": "multiclass", "input": {"features": 2}, "layers": layers}
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)


def held_out(model, first, last):
    rows, labels = planted() if model == "planted" else data.held_out(model)
    return rows[int(first) : int(last)], labels[int(first) : int(last)]


def predict(model, body):
    request = urllib.request.Request(
        f"{URL}/v1/models/{model}:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with OPENER.open(request, timeout=300) as reply:
        return json.load(reply)


def probabilities(outputs, model):
    """The doubles that float32 outputs are, as classes' probabilities."""
    y = [f32(v) for v in outputs]
    if len(y) == 1:
        return [1 - y[0], y[0]]
    if model != "planted":
        return y
    e = [math.exp(v - max(y)) for v in y]
    return [v / sum(e) for v in e]


def close(got, want, tolerance, what):
    if abs(got - want) > tolerance * max(1, abs(want)):
        sys.exit(f"{what}: {got}, expected {want}")


def moments(values):
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


def check_columns(values, means, stds, what):
    for i, column in enumerate(zip(*values)):
        mean, std = moments(column)
        close(means[i], mean, 1e-5, f"{what}.mean[{i}]")
        close(stds[i], std, 1e-5, f"{what}.std[{i}]")


def layers_of(model):
    return {"planted": ["hidden1"]}.get(model, ["hidden1", "hidden2"])


def figures(model, path, first, last):
    rows, labels = held_out(model, first, last)
    with open(path, encoding="utf-8") as file:
        baseline = json.load(file)
    reply = predict(model, {"instances": rows, "capture": layers_of(model)})
    p = [probabilities(y, model) for y in reply["predictions"]]
    assert baseline["rows"] == len(rows)
    assert list(baseline["layers"]) == layers_of(model)
    for name, layer in baseline["layers"].items():
        outputs = reply["captured"][name]
        for u, column in enumerate(zip(*outputs)):
            close(layer["firing"][u], sum(v > 0 for v in column) / len(rows), 1e-12, f"{name}[{u}]")
        check_columns(outputs, layer["mean"], layer["std"], name)
    for i, column in enumerate(zip(*rows)):
        assert f32(baseline["input"]["min"][i]) == f32(min(column)), f"input.min[{i}]"
        assert f32(baseline["input"]["max"][i]) == f32(max(column)), f"input.max[{i}]"
    check_columns(rows, baseline["input"]["mean"], baseline["input"]["std"], "input")
    counts = [0] * len(p[0])
    for row in p:
        counts[row.index(max(row))] += 1
    assert baseline["classes"] == counts, "classes"
    close(baseline["confidence"]["mean"], math.fsum(map(max, p)) / len(p), 1e-6, "confidence")
    check_calibration(baseline, p, labels)
    print(f"# {model}: {len(rows)} rows, temperature {baseline['confidence']['temperature']:.4f}")


def loss(p, labels, power):
    total = 0.0
    for row, label in zip(p, labels):
        z = [power * math.log(max(v, 1e-45)) for v in row]
        total += max(z) + math.log(math.fsum(math.exp(v - max(z)) for v in z)) - z[label]
    return total / len(p)


def check_calibration(baseline, p, labels):
    scores = sorted(1 - row[label] for row, label in zip(p, labels))
    n = len(scores)
    assert baseline["conformal"]["rows"] == n
    for alpha in ALPHAS:
        one_in = round(1 / float(alpha))
        rank = n + 1 - (n + 1) // one_in
        want = scores[rank - 1] if rank <= n else 1
        close(baseline["conformal"]["quantiles"][alpha], want, 1e-15, f"quantile {alpha}")
    power = 1 / baseline["confidence"]["temperature"]
    at = loss(p, labels, power)
    for other in (power * 0.99, power * 1.01):
        assert at <= loss(p, labels, other) + 1e-12, f"temperature: {1 / power} is no minimum"


def psi(p, q):
    return (p - q) * math.log(p / q)


def changes(habit, feature, value):
    """-> the least share of the baseline's rows that have another value"""
    low, high, mean, std = (habit[key][feature] for key in ("min", "max", "mean", "std"))
    return (std**2 + (mean - value) ** 2) / max(abs(low - value), abs(high - value)) ** 2


def window(model, path, first, last):
    rows, _ = held_out(model, first, last)
    with open(path, encoding="utf-8") as file:
        baseline = json.load(file)
    reply = predict(model, {"instances": rows, "capture": layers_of(model)})
    with OPENER.open(f"{URL}/metrics", timeout=60) as answer:
        lines = [line for line in answer.read().decode().splitlines() if f'model="{model}"' in line]
    now = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def metric(name, **labels):
        text = ",".join(f'{k}="{v}"' for k, v in {"model": model, "version": 1, **labels}.items())
        return now[f"axond_{name}{{{text}}}"]

    many, n = baseline["rows"], len(rows)
    for name, layer in baseline["layers"].items():
        total, newly_dead = 0.0, 0
        for u, column in enumerate(zip(*reply["captured"][name])):
            fired = sum(v > 0 for v in column)
            p, q = (fired + 0.5) / (n + 1), (layer["firing"][u] * many + 0.5) / (many + 1)
            total += psi(p, q) + psi(1 - p, 1 - q)
            newly_dead += fired == 0 and n * layer["firing"][u] >= 10
        close(metric("neuron_drift", layer=name), total / len(layer["firing"]), 1e-9, "drift")
        close(metric("neuron_drift_noise", layer=name), 1 / many + 1 / n, 1e-12, "noise")
        close(metric("newly_dead_units", layer=name), newly_dead, 0, "newly dead")
    answers = [probabilities(y, model) for y in reply["predictions"]]
    counts = [0] * len(answers[0])
    for row in answers:
        counts[row.index(max(row))] += 1
    k, habit = len(counts), baseline["classes"]
    want = sum(
        psi((a + 0.5) / (n + k / 2), (b + 0.5) / (sum(habit) + k / 2))
        for a, b in zip(counts, habit)
    )
    close(metric("prediction_drift"), want, 1e-9, "prediction drift")
    close(metric("prediction_drift_noise"), (k - 1) * (1 / sum(habit) + 1 / n), 1e-12, "its noise")
    close(metric("baseline_confidence"), baseline["confidence"]["mean"], 1e-12, "confidence")
    close(metric("baseline_rows"), many, 0, "rows")
    power = 1 / baseline["confidence"]["temperature"]
    tempered = [1 / math.fsum((v / max(row)) ** power for v in row) for row in answers]
    close(metric("expected_accuracy"), math.fsum(tempered) / n, 1e-6, "expected accuracy")
    low, high, std = (baseline["input"][key] for key in ("min", "max", "std"))
    out = sum(not low[i] <= f32(v) <= high[i] for row in rows for i, v in enumerate(row))
    close(metric("input_out_of_range_ratio"), out / (n * len(low)), 1e-12, "out of range")
    stuck = sum(min(c) == max(c) and std[i] > 0 for i, c in enumerate(zip(*rows)))
    close(metric("input_stuck_features"), stuck, 0, "stuck")
    newly = sum(
        min(c) == max(c) and std[i] > 0 and min(n, many) * changes(baseline["input"], i, c[0]) >= 10
        for i, c in enumerate(zip(*rows))
    )
    close(metric("input_newly_stuck_features"), newly, 0, "newly stuck")
    print(f"# {model}: drift {total / len(layer['firing']):.4f}, out of range {out}, stuck {stuck}")


def interval(n, rank, rows):
    """-> the central 99.9 % of beta-binomial(rows, rank, n + 1 - rank), as shares of rows"""
    a, b = rank, n + 1 - rank

    def log_beta(x, y):
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    def share(k):
        choose = math.lgamma(rows + 1) - math.lgamma(k + 1) - math.lgamma(rows - k + 1)
        return math.exp(choose + log_beta(k + a, rows - k + b) - log_beta(a, b))

    sums, total = [], 0.0
    for k in range(rows + 1):
        total += share(k)
        sums.append(total)
    low = next(k for k in range(rows + 1) if sums[k] >= 0.0005)
    high = next(k for k in range(rows + 1) if sums[k] >= 0.9995)
    return low / rows, high / rows


def sets(model, path, first, last):
    rows, labels = held_out(model, first, last)
    with open(path, encoding="utf-8") as file:
        calibration = json.load(file)["conformal"]
    names = {"breast-cancer": ["malignant", "benign"]}.get(model, [str(i) for i in range(10)])
    n = calibration["rows"]
    for alpha in ALPHAS:
        reply = predict(model, {"instances": rows, "set": float(alpha)})
        quantile = calibration["quantiles"][alpha]
        held = 0
        for y, got, label in zip(reply["predictions"], reply["sets"], labels):
            p = probabilities(y, model)
            want = [names[i] for i, v in enumerate(p) if 1 - v <= quantile]
            if got != want:
                sys.exit(f"{model}, set {alpha}: {got}, expected {want}")
            held += names[label] in got
        rank = n + 1 - (n + 1) // round(1 / float(alpha))
        low, high = interval(n, rank, len(rows)) if rank <= n else (1, 1)
        coverage = held / len(rows)
        size = sum(map(len, reply["sets"])) / len(rows)
        print(f"# {model}, alpha {alpha}: {coverage:.3f} of {len(rows)} in {low:.3f} to {high:.3f}, {size:.2f} classes")
        if not low <= coverage <= high:
            sys.exit(f"{model}, set {alpha}: covers {coverage}, expected {low} to {high}")


def main():
    case, arguments = sys.argv[2], sys.argv[3:]
    if case == "npy":
        model, first, last, what = arguments
        rows, labels = held_out(model, first, last)
        sys.stdout.buffer.write(data.npy(rows) if what == "rows" else data.npy(labels, "<i8"))
    elif case == "planted":
        write_planted(*arguments)
    else:
        {"figures": figures, "window": window, "sets": sets}[case](*arguments)


if __name__ == "__main__":
    main()
