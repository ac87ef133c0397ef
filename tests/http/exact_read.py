"""Readers of neuron figures while exact_clients.py runs, and the comparison with doubles afterwards."""

import io
import json
import math
import struct
import zipfile
from collections import Counter

import exact_network as network

EVERY = 7
FOREVER = "86400s"  # a window that nothing leaves
MEAN, STD = 2e-6, 2e-5  # of the largest output: sums are of floats
LEAVING_ROWS = 5
BAD_ROWS = (3, 4, 60)  # of a request


def must(truth, *what):
    if not truth:
        raise AssertionError(" ".join(map(str, what)))


def close(got, want, tolerance, *what):
    must(got is not None and abs(got - want) <= tolerance, *what, "is", got, "not", want)


def get(connection, path, body=None):
    connection.request("GET" if body is None else "POST", path, body)
    reply = connection.getresponse()
    return reply.status, reply.read()


def get_json(connection, path, body=None):
    status, text = get(connection, path, body)
    must(status == 200, path, status, text[:300])
    return json.loads(text)


# ---- while it serves


def consistent(neurons, where):
    """One moment's counts: the unit that always fires has fired on all rows, and zeros are what did not fire."""
    first = neurons["layers"][0]
    fired = [unit["fired"] for unit in first["units_detail"]]
    rows = neurons["rows"]
    must(all(layer["rows"] == rows for layer in neurons["layers"]), where, "layers have other rows than", rows)
    must(fired[0] == rows and fired[2] == fired[3] == 0 and max(fired) <= rows, where, rows, "rows, fired", fired)
    if rows > 0:
        close(first["zero_fraction"], 1 - sum(fired) / (rows * len(fired)), 1e-8, where, "zero_fraction")
        close(first["derivative_mean"], sum(fired) / (rows * len(fired)), 1e-7, where, "derivative_mean")
    return rows


def look(connection, model, window, before):
    for name in ("load", window):
        path = f"/v1/models/{model}/neurons?units=true&window={name}"
        neurons = get_json(connection, path)
        rows, version = consistent(neurons, path), (model, neurons["version"])
        if name == "load" and version != ("turned", "3"):  # whose weights are replaced
            must(rows >= before[version], path, "had", before[version], "rows, has", rows)
            before[version] = rows
    must("advice" in get_json(connection, f"/v1/models/{model}/advice"), "advice")
    body = {"window": "load", "persist": rows % 2 == 1}  # a file that is written costs no row at the next reload
    status, text = get(connection, f"/v1/models/{model}:baseline", json.dumps(body))
    must(status == 200 or json.loads(text)["code"] == "no_evidence", model, ":baseline", status, text[:200])
    if status == 200:
        baseline = json.loads(text)
        must(baseline["layers"]["hidden1"]["firing"][0] == 1, model, ":baseline", text[:300])
        must(sum(baseline["classes"]) >= baseline["rows"] or model == "sampled", model, "classes", text[:300])


def reader(number, connection, models, window, done):
    before = Counter()
    while not done.is_set():
        look(connection, models[number % len(models)], window, before)
        status, text = get(connection, "/metrics")
        must(status == 200, "/metrics", status)
        sample(get(connection, "/v1/models/batched/sample.npz"))
        number += 1


def sample(reply):
    """-> [(input, output)] of the recorder's rows"""
    must(reply[0] == 200, "sample.npz", reply[0], reply[1][:200])
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(reply[1])) as archive:
        must(archive.testzip() is None, "sample.npz is damaged")
        for name in ("inputs.npy", "outputs.npy"):
            text = archive.read(name)
            values = text[10 + struct.unpack("<H", text[8:10])[0] :]
            arrays[name] = struct.unpack(f"<{len(values) // 4}f", values)
    x, y, features, classes = arrays["inputs.npy"], arrays["outputs.npy"], network.FEATURES, len(network.CLASSES)
    return [
        (x[i * features : (i + 1) * features], y[i * classes : (i + 1) * classes]) for i in range(len(x) // features)
    ]


# ---- afterwards


class Version:
    """A version that serves, the rows that it has answered, and what the daemon says of them."""

    def __init__(self, connection, served, model, version, tag):
        self.connection, self.served, self.model, self.version, self.tag = connection, served, model, version, tag
        self.rows = Counter(served.rows[model, tag])
        self.requests = served.requests[model, tag]
        path = f"/v1/models/{model}/versions/{version}:baseline"
        self.baseline = get_json(connection, path, json.dumps({"window": "load"}))  # which adds buckets to the metrics
        self.scrape = get(connection, "/metrics")[1].decode()

    def neurons(self, window="load"):
        path = f"/v1/models/{self.model}/versions/{self.version}/neurons?units=true&top_k=100&window={window}"
        return get_json(self.connection, path)

    def metric(self, name, labels=""):
        series = f'axond_{name}{{model="{self.model}",version="{self.version}"{labels}}} '
        found = [line for line in self.scrape.splitlines() if line.startswith(series)]
        return float(found[0].split()[-1]) if found else None

    def must_count(self, name, want, labels=""):
        must((self.metric(name, labels) or 0) == want, self, name, labels, "is", self.metric(name, labels), "not", want)

    def __str__(self):
        return f"{self.model} version {self.version}:"


def check_unit(version, layer, got, want, rows, magnitude):
    where = (version, network.HIDDEN[layer], got["unit"])
    must(got["fired"] == want["fired"], *where, "fired", got["fired"], "times, not", want["fired"])
    must((got["last_active"] is None) == (want["fired"] == 0), *where, "last_active", got["last_active"])
    state = "alive" if want["fired"] else "dead" if network.ACTIVATIONS[layer] == "relu" else "silent"
    must(got["state"] == state, *where, "is", got["state"], "not", state)
    close(got["firing_rate"], want["fired"] / rows, 1e-8, *where, "firing_rate")
    close(got["mean"], want["mean"], MEAN * want["largest"], *where, "mean")
    close(got["std"], want["std"], STD * want["largest"], *where, "std")
    score = want["magnitude"] / magnitude
    close(got["dormant_score"], score, 1e-5 * (1 + score), *where, "dormant_score")
    close(got["contribution"], want["contribution"], 1e-5 * (1 + want["contribution"]), *where, "contribution")
    if network.ACTIVATIONS[layer] == "tanh":
        close(got["saturated_fraction"], sum(want["ends"]) / rows, 1e-8, *where, "saturated_fraction")


def check_layer(version, layer, got, figures):
    units, rows, where = figures.layers[layer], figures.rows, (version, network.HIDDEN[layer])
    outputs, largest = rows * len(units), max(unit["largest"] for unit in units)
    mean, std = figures.layer_moments(layer)
    must(got["rows"] == rows, *where, "rows", got["rows"], "not", rows)
    close(got["mean"], mean, MEAN * largest, *where, "mean")
    close(got["std"], std, STD * largest, *where, "std")
    magnitude = math.fsum(unit["magnitude"] for unit in units) / len(units)
    for unit, want in zip(got["units_detail"], units):
        check_unit(version, layer, unit, want, rows, magnitude)
    slope = math.fsum(unit["slope"] for unit in units) / len(units)
    if network.ACTIVATIONS[layer] != "silu":
        close(got["derivative_mean"], slope, 1e-5, *where, "derivative_mean")
        must(got["derivative_rows"] == rows, *where, "derivative_rows", got["derivative_rows"])
    if network.ACTIVATIONS[layer] == "relu":
        zeros = outputs - sum(unit["fired"] for unit in units)
        dead = [u for u, unit in enumerate(units) if not unit["fired"]]
        close(got["zero_fraction"], zeros / outputs, 1e-8, *where, "zero_fraction")
        must(got["dead"]["units"] == dead, *where, "dead", got["dead"], "not", dead)
        version.must_count("relu_outputs_total", outputs, f',layer="{network.HIDDEN[layer]}"')
        version.must_count("relu_zero_outputs_total", zeros, f',layer="{network.HIDDEN[layer]}"')
    if network.ACTIVATIONS[layer] == "tanh":
        for side, name in enumerate(("low", "high")):
            share = sum(unit["ends"][side] for unit in units) / outputs
            close(got["saturated"][name], share, 1e-8, *where, "saturated", name)


def check_answers(version, figures, outputs):
    """Classes and confidence: of all rows that are finite, whatever is sampled. outputs: {Row: the floats answered}"""
    shares = {row: max(outputs[row]) for row in figures.seen}
    classes = Counter()
    for row, count in zip(figures.seen, figures.counts):
        classes[outputs[row].index(shares[row])] += count
    for index, label in enumerate(network.CLASSES):
        version.must_count("predictions_total", classes[index], f',class="{label}"')
    name, total = "prediction_confidence", math.fsum(c * shares[row] for row, c in zip(figures.seen, figures.counts))
    version.must_count(f"{name}_count", figures.rows)
    close(version.metric(f"{name}_sum"), total, 1e-6 * total, version, f"{name}_sum")
    for le in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1):
        under = sum(c for row, c in zip(figures.seen, figures.counts) if shares[row] <= le)
        version.must_count(f"{name}_bucket", under, f',le="{float(le)}"')
    return [classes[i] for i in range(len(network.CLASSES))], total / figures.rows


def check_baseline(version, figures, classes, confidence):
    got = version.baseline
    must(got["rows"] == figures.rows, version, "baseline of", got["rows"], "rows, not", figures.rows)
    for layer, name in enumerate(network.HIDDEN):
        for u, unit in enumerate(figures.layers[layer]):
            where = (version, "baseline", name, u)
            close(got["layers"][name]["firing"][u], unit["fired"] / figures.rows, 1e-12, *where, "firing")
            close(got["layers"][name]["mean"][u], unit["mean"], MEAN * unit["largest"], *where, "mean")
            close(got["layers"][name]["std"][u], unit["std"], STD * unit["largest"], *where, "std")
    want = figures.input()
    must(got["input"]["min"] == want["min"] and got["input"]["max"] == want["max"], version, "range", got["input"])
    for key in ("mean", "std"):
        for f, value in enumerate(want[key]):
            close(got["input"][key][f], value, 1e-4, version, "baseline input", key, f)
    must(got["classes"] == classes, version, "baseline classes", got["classes"], "not", classes)
    close(got["confidence"]["mean"], confidence, 1e-6, version, "baseline confidence")


def check_figures(version, figures, window):
    for name in ("load", window) if window == FOREVER else ("load",):
        got = version.neurons(name)
        must(got["rows"] == figures.rows, version, name, got["rows"], "rows, not", figures.rows)
        for layer, one in enumerate(got["layers"]):
            check_layer(version, layer, one, figures)
    version.must_count("neuron_rows_total", figures.rows)


def add_leaving(version, rows):
    """Clients that left may have been answered: only they send rows that wake unit 1."""
    got = version.neurons()["layers"][0]["units_detail"][1]["fired"]
    must(got % LEAVING_ROWS == 0, version, "half of a request is counted:", got, "rows")
    if got:
        version.rows[rows["leaving"][0]] = got
        y = network.answer(rows["leaving"][0].logits, version.tag)
        version.served.outputs.setdefault((rows["leaving"][0], version.tag), y)
    version.requests += got // LEAVING_ROWS


def check_version(version, rows, window):
    add_leaving(version, rows)
    figures = network.Figures(version.rows)
    outputs = {row: version.served.outputs[row, version.tag] for row in figures.seen}
    for row, y in outputs.items():
        for share, want in zip(y, network.answer(row.logits, version.tag)):
            close(share, want, 1e-5, version, row.text)
    check_figures(version, figures, window)
    check_baseline(version, figures, *check_answers(version, figures, outputs))
    version.must_count("inference_rows_total", sum(version.rows.values()))
    version.must_count("inference_requests_total", version.requests, ',outcome="success"')
    version.must_count("neuron_rows_skipped_total", figures.skipped)
    return figures.rows


def check_sampled(version, window):
    """One row in EVERY is watched, whichever: all figures are of as many hot rows as their units say."""
    total = sum(version.rows.values())
    got = version.neurons()["layers"][0]["units_detail"]
    seen = {row: got[4 + u]["fired"] for u, row in enumerate(sorted(version.rows, key=lambda row: row.x, reverse=True))}
    must(abs(sum(seen.values()) - total / EVERY) < 1, version, sum(seen.values()), "of", total, "rows are watched")
    must(all(version.rows[row] >= count for row, count in seen.items()), version, "more rows than were sent")
    check_figures(version, network.Figures(seen), window)
    outputs = {row: version.served.outputs[row, 1] for row in version.rows}
    check_answers(version, network.Figures(version.rows), outputs)
    version.must_count("inference_rows_total", total)
    return total


def check_not_finite(versions, served, unit, rows=BAD_ROWS):
    """Outputs of all versions of a model, those of refused requests as well. Two workers may compute one request: any of its bad rows is the first."""
    model, connection = versions[0].model, versions[0].connection
    want = served.refused[model] + sum(c * row.not_finite for v in versions for row, c in v.rows.items())
    got = sum(v.neurons()["non_finite"]["count"] for v in versions)
    must(got == want, model, "non_finite", got, "not", want)
    must(sum(v.metric("non_finite_outputs_total") for v in versions) == want, model, "non_finite_outputs_total")
    for version in versions:
        found = version.neurons()["non_finite"]["first"]
        must(found and (found["layer"], found["unit"]) == ("hidden1", unit), version, "first", found, "not unit", unit)
        must(found["row"] in rows, version, "first", found, "not of", rows)
    must(get(connection, "/v2/health/live")[0] == 200, "it lives")


def check_recorded(version):
    """Each row as often as it was answered, with its own outputs; nobody knows which a client that left was answered."""

    def key(x, y):
        return repr(x), "" if x[network.LEAVING] else repr(y)

    got = Counter(key(*both) for both in sample(get(version.connection, f"/v1/models/{version.model}/sample.npz")))
    want = Counter()
    for row, count in version.rows.items():
        want[key(tuple(map(float, row.x)), version.served.outputs[row, version.tag])] += count
    total, most = sum(want.values()), 65536
    must(sum(got.values()) == min(total, most), version, sum(got.values()), "rows are recorded")
    must(got == want if total <= most else got <= want, version, "rows are recorded that were not answered so")


def check_all(connection, served, rows, window):
    def version(model, number=1, tag=1):
        return Version(connection, served, model, number, tag)

    kept = [version("kept", tag, tag) for tag in (1, 2, 3)]
    alone = {name: version(name) for name in ("inline", "ones", "batched")}
    alone["turned"] = version("turned", 3, 4)
    total = sum(check_version(v, rows, window) for v in [*alone.values(), *kept])
    total += check_sampled(version("sampled"), window)
    check_not_finite([alone["inline"]], served, 0)
    check_not_finite([alone["batched"]], served, 3)
    check_not_finite([alone["ones"]], served, 3, (0,))
    check_not_finite([alone["turned"]], served, 0)
    check_not_finite(kept, served, 3)
    check_recorded(alone["batched"])
    left = sum(v.rows[rows["leaving"][0]] for v in alone.values()) // LEAVING_ROWS
    print(f"# {sum(served.requests.values())} answers, {total} rows of versions that serve; {left} of clients that left")
