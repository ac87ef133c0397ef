"""targets.py - design/performance.md's targets as ratios of two things of one run, and whether they are met.

A row of PAIRED compares two servers in one cell: the ratio is the median of the rounds' ratios, the
two figures beside it are medians, so that they may differ from it a little.
"""

import collections
import statistics

import plans
from forms import FORMS
from results import Key

Paired = collections.namedtuple(
    "Paired", "target what section body connections field a b limit judged", defaults=(True,)
)
# limit: (">=" or "<=", number) or None for a figure that is only told; a, b: texts
# judged: else told beside the same number, though the target was not set against it
Line = collections.namedtuple("Line", "target what a b ratio limit judged", defaults=(True,))

UNITS = {"rps": "{:,.0f}/s", "cpu_us": "{:,.1f} us", "p50_us": "{:,.0f} us", "p99_us": "{:,.0f} us"}
WORDS = {"rps": "requests/s", "cpu_us": "server CPU per request", "p50_us": "p50", "p99_us": "p99"}
READY_MS, IDLE_MIB = 50, 20
# Factors that noise may add to a cost that should fall, and to one that should stay.
NOISE, FLAT = 1.05, 1.1
# Fewer connections than these weigh less than what the first request makes the server allocate.
MEMORY_FROM = 100


def _one(target, what, body, field, a, b, limit, connections=64, judged=True):
    return Paired(target, what, "one", body, connections, field, a, b, limit, judged)


def _echoes():
    """Both have libmicrohttpd's default memory per connection, which it zeroes for each request. How much more headers of
    64 KiB cost is told, too."""
    pairs = (("axond", "echo"), ("axond-64k", "echo"))
    for what, body in (("one row of real digits", plans.ONE), ("one row of decimals", plans.ONE_DECIMALS)):
        for pair in pairs:
            yield _one("P1", what, body, "rps", *pair, (">=", 0.75), judged=pair == pairs[0])
    for what, body in (("one row of real digits", plans.ONE), ("one row of decimals", plans.ONE_DECIMALS)):
        for pair in pairs:
            yield _one("P1", what, body, "cpu_us", *pair, None)


def _peers():
    """Judged on the network and against the programs that the target's figures are of; CPU is told as the peer's over
    axond's."""
    limits = {"torch": (">=", 20), "torch-tuned": (">=", 20), "ort": None, "node": (">=", 8)}
    for model in ("digits", "breast-cancer", "net784", "net1024"):
        for rows, connections in plans.CONNECTIONS_OF_ROWS.items():
            body, what = plans.body_of(model, rows), f"{model}, {rows} row{'s' * (rows > 1)}"
            for peer, limit in limits.items():
                cell = ("P2", what, f"rows-{model}", body, connections)
                judged = model == "digits"
                yield Paired(*cell, "rps", "axond", peer, limit if judged else None, peer != "torch-tuned")
                if judged:
                    yield Paired(*cell, "cpu_us", peer, "axond", None)


def _batching(threads):
    on, off = f"batch-on-{threads}", f"batch-off-{threads}"
    what = f"net1024, {threads} thread{'s' * (threads > 1)}"
    for text, connections, field, limit in (
        ("32 x 1 row", 32, "rps", (">=", 3)),
        ("32 x 1 row", 32, "p99_us", ("<=", 1)),
        ("idle, 1 x 1 row", 1, "p50_us", ("<=", FLAT)),
    ):
        yield Paired("P8", f"{what}, {text}", "batching", plans.BIG, connections, field, on, off, limit)


PAIRED = (
    *_echoes(),
    *_peers(),
    _one("P6", "neuron statistics on", plans.ONE, "rps", "axond", "axond-off", (">=", 0.97)),
    _one("P6", "neuron statistics on", plans.ONE, "cpu_us", "axond", "axond-off", ("<=", 1 / 0.97)),
    _one("P7", "one idle connection", plans.ONE, "p50_us", "axond", "echo", ("<=", 1.3), 1),
    *_batching(1),
    *_batching(2),
)


def _paired(row, results):
    key = Key(row.section, row.body, row.connections, row.a)
    ratio = results.ratio(key, row.field, row.a, row.b)
    if ratio is None:
        return None
    a, b = (
        f"{name} {UNITS[row.field].format(results.median(key._replace(server=name), row.field))}"
        for name in (row.a, row.b)
    )
    return Line(row.target, f"{row.what}: {WORDS[row.field]}", a, b, ratio, row.limit, row.judged)


def _starts(results):
    if results.starts:
        ms, kb = (statistics.median(column) for column in zip(*results.starts))
        mib = kb / 1024
        yield Line("P7", "start to ready", f"axond {ms:.1f} ms", f"{READY_MS} ms", ms / READY_MS, ("<=", 1))
        yield Line("P7", "idle RSS", f"axond {mib:.1f} MiB", f"{IDLE_MIB} MiB", mib / IDLE_MIB, ("<=", 1))


def _echo_step(results, section, what, rows, before):
    """The cost of bodies of so many bytes, whoever reads them."""
    echo = dict(results.growth(section, "echo"))
    if rows in echo and before in echo:
        a, b = (f"{echo[n]:,.2f} us at {n}" for n in (rows, before))
        yield Line("P9", what, a, b, results.growth_ratio(section, "echo", rows, before), None)


def _rows(results):
    for model in ("digits", "net784"):
        section = f"growth-{model}"
        costs = results.growth(section, "axond")
        if len(costs) < 2:
            continue
        (least, first), (most, last) = costs[0], costs[-1]
        a, b = (f"{cost:,.2f} us at {rows}" for rows, cost in ((most, last), (least, first)))
        yield Line("P9", f"{model}: CPU per row", a, b, results.growth_ratio(section, "axond", most, least), ("<=", 1))
        rise, i = max(
            (results.growth_ratio(section, "axond", costs[i][0], costs[i - 1][0]), i) for i in range(1, len(costs))
        )
        a, b = (f"{cost:,.2f} us at {rows}" for rows, cost in (costs[i], costs[i - 1]))
        yield Line("P9", f"{model}: CPU per row, worst step", a, b, rise, ("<=", NOISE))
        yield from _echo_step(results, section, f"{model}: CPU per row, the echo's same step", costs[i][0], costs[i - 1][0])


def _memory(results):
    for server, found in results.memory.items():
        counts = sorted(n for n in found if n >= MEMORY_FROM and found[n] > 0)
        if len(counts) > 1:
            a, b = (f"{server} {found[n] / 1024:.1f} KiB at {n:,}" for n in (counts[-1], counts[0]))
            limit = ("<=", FLAT) if server == "axond" else None
            yield Line("P9", "memory per connection", a, b, found[counts[-1]] / found[counts[0]], limit)


# Triton 2.51 with its ONNX Runtime backend, V2 JSON: server CPU per request of the same network on another machine (performance.md).
TRITON_US = {1: 47, 32: 169, 256: 1060}


def _forms(results):
    for rows, connections in plans.CONNECTIONS_OF_ROWS.items():
        keys = {
            form: Key("forms", plans.Body("digits", rows, "decimals", form), connections, "axond") for form in FORMS
        }
        found = {form: results.median(key, "cpu_us") for form, key in keys.items() if key in results.samples}
        if "v2-binary" not in found:
            continue
        what, a = f"digits, {rows} row{'s' * (rows > 1)}: server CPU per request", f"binary V2 {found['v2-binary']:,.1f} us"
        for form in (f for f in found if f != "v2-binary"):
            ratio = results.cells_ratio(keys["v2-binary"], keys[form], "cpu_us")
            yield Line("V2", what, a, f"{FORMS[form].title} {found[form]:,.1f} us", ratio, None)
        if "v2" in found:
            v2 = f"{FORMS['v2'].title} {found['v2']:,.1f} us"
            yield Line("V2", what, f"Triton {TRITON_US[rows]:,} us there", v2, TRITON_US[rows] / found["v2"], None)


def _connections(results):
    found = dict(results.over_connections("axond", "cpu_us"))
    if 64 in found and len(found) > 1:
        most = max(found)
        a, b = (f"{found[n]:.1f} us at {n:,}" for n in (most, 64))
        yield Line("P9", "server CPU per request over connections", a, b, found[most] / found[64], None)


def lines(results):
    """-> a Line for each target that this run can tell, by number"""
    found = [line for row in PAIRED if (line := _paired(row, results))]
    for more in (_starts, _rows, _memory, _connections, _forms):
        found += more(results)
    return sorted(found, key=lambda line: line.target)


def verdict(line):
    if not line.limit:
        return ""
    sign, limit = line.limit
    found = "met" if (line.ratio >= limit if sign == ">=" else line.ratio <= limit) else "missed"
    return found if line.judged else f"told only ({found})"


def limit_text(line):
    return f"{line.limit[0]} {line.limit[1]:.3g}" if line.limit else ""
