"""report.py - figures as aligned text, as Markdown for ../RESULTS.md, and as plots."""

import re
from pathlib import Path

import plans
import plot
import targets
from models import MODELS, title
from results import Key
from servers import SERVERS

RESULTS = Path("tests/bench/RESULTS.md")
COLUMNS = (
    # heading, field, format
    ("requests/s", "rps", "{:,.0f}"),
    ("CPU us/rq", "cpu_us", "{:,.1f}"),
    ("p50 us", "p50_us", "{:,.0f}"),
    ("p99 us", "p99_us", "{:,.0f}"),
    ("peak MiB", "peak_kb", "{:,.1f}"),
    ("busy", "busy", "{:.2f}"),
)
SCALE = {"peak_kb": 1 / 1024}


def _value(results, key, field, form):
    value = results.median(key, field)
    return "-" if value is None else form.format(value * SCALE.get(field, 1))


# ---- text ----------------------------------------------------------------------------------------


def section_head(section):
    """The last column says how many times as fast axond is."""
    yield f"== {section.title}: medians of {section.rounds} rounds"
    yield f"{'body':<28}{'conn.':>6}  {'server':<12}" + "".join(f"{h:>12}" for h, *_ in COLUMNS) + f"{'axond is':>10}"


def cell_text(results, section, cell, servers):
    body = f"{cell.body.model} x {cell.body.rows}" + (" decimals" if cell.body.kind != "real" else "")
    body += f", {cell.body.form}" if cell.body.form != "predict" else ""
    for server in servers:
        key = Key(section.name, cell.body, cell.connections, server)
        row = f"{body:<28}{cell.connections:>6}  {server:<12}"
        row += "".join(f"{_value(results, key, field, form):>12}" for _, field, form in COLUMNS)
        times = results.ratio(key, "rps", "axond", server)
        yield row + (f"{times:>9.2f}x" if times and server != "axond" else "")
        body = ""


def targets_text(results):
    yield "== targets (design/performance.md); without a limit: only told"
    for line in targets.lines(results):
        yield (
            f"{line.target}  {line.what:<48}{line.a:>26}{line.b:>28}{line.ratio:>9.3g}"
            f"  {targets.limit_text(line):<8} {targets.verdict(line)}"
        ).rstrip()
    yield ""


def memory_text(results):
    if results.memory:
        counts = sorted({n for found in results.memory.values() for n in found})
        yield "== bytes of RSS per connection that is open and idle"
        yield f"{'server':<12}" + "".join(f"{n:>12,}" for n in counts)
        for server, found in results.memory.items():
            yield f"{server:<12}" + "".join(f"{found[n]:>12,.0f}" if n in found else f"{'-':>12}" for n in counts)
        yield ""


# ---- Markdown ------------------------------------------------------------------------------------


def _table(heads, rows):
    yield "| " + " | ".join(heads) + " |"
    yield "| " + " | ".join("---" for _ in heads) + " |"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _targets_rows(results):
    for line in targets.lines(results):
        if line.limit:
            yield (
                line.target, line.what.replace(" us", " µs"), line.a.replace(" us", " µs"),
                line.b.replace(" us", " µs"), f"{line.ratio:.3g}", targets.limit_text(line),
                targets.verdict(line),
            )  # fmt: skip


def _cell_text(results, key):
    rps, cpu = results.median(key, "rps"), results.median(key, "cpu_us")
    times = results.ratio(key, "rps", "axond", key.server)
    if rps is None:
        return "—"
    more = f" ({times:.3g}×)" if key.server != "axond" and times else ""
    return f"{rps:,.0f}/s, {cpu:,.0f} µs{more}"


def _loads_rows(results, servers):
    for model in MODELS:
        for rows, connections in plans.CONNECTIONS_OF_ROWS.items():
            key = Key(f"rows-{model}", plans.body_of(model, rows), connections, "axond")
            if key in results.samples:
                yield (
                    title(model), str(rows), *(_cell_text(results, key._replace(server=s)) for s in servers),
                )  # fmt: skip


def _connections_rows(results, servers):
    counts = [n for n, _ in results.over_connections("axond", "rps")]
    for n in counts:
        key = Key("connections", plans.ONE, n, "axond")
        latency = f"{results.median(key, 'p50_us'):,.0f} / {results.median(key, 'p99_us'):,.0f}"
        yield (f"{n:,}", latency, *(_cell_text(results, key._replace(server=s)) for s in servers))


def markdown(results, about):
    """-> lines between the page's marks"""
    names = [s for s in plans.ALL if any(k.server == s for k in results.samples)]
    heads = [SERVERS[s].title for s in names]
    yield from (about, "")
    yield from _table(("target", "what", "one side", "other side", "ratio", "target", ""), _targets_rows(results))
    loads = list(_loads_rows(results, names))
    if loads:
        yield from ("", "Requests/s and server CPU per request; in brackets how many times as fast axond is.", "")
        yield from _table(("network", "rows", *heads), loads)
    over = list(_connections_rows(results, names))
    if over:
        yield from ("", "One row of digits over the number of connections; the times are axond's.", "")
        yield from _table(("connections", "p50 / p99, µs", *heads), over)


def write_results(text):
    """Between the marks <!-- bench --> and <!-- /bench -->."""
    old = RESULTS.read_text(encoding="utf-8")
    new, n = re.subn(
        r"(<!-- bench -->\n).*?(<!-- /bench -->)", lambda m: m[1] + text + m[2], old, flags=re.S
    )
    if n != 1:
        raise SystemExit(f"bench: {RESULTS} lacks the marks <!-- bench --> and <!-- /bench -->")
    RESULTS.write_text(new, encoding="utf-8")


# ---- plots ---------------------------------------------------------------------------------------


def _plots(results):
    for model in ("digits", "net784"):
        yield f"rows-{model}", plot.svg(
            f"Cost per row, {title(model)}", "rows per request", "server CPU per row, microseconds",
            [(SERVERS[s].title, results.growth(f"growth-{model}", s)) for s in plans.ALL],
        )  # fmt: skip
    for field, name, what in (
        ("rps", "connections", "requests/s"),
        ("cpu_us", "connections-cpu", "server CPU per request, microseconds"),
    ):
        yield name, plot.svg(
            "One row of digits over connections", "connections", what,
            [(SERVERS[s].title, results.over_connections(s, field)) for s in plans.ALL],
        )  # fmt: skip
    yield "memory", plot.svg(
        "Memory of idle connections", "open connections", "bytes of RSS per connection",
        [(SERVERS[s].title, [(n, b) for n, b in found.items() if b > 0]) for s, found in results.memory.items()],
    )  # fmt: skip


def write_plots(results, folder):
    """-> paths; plots of which nothing was measured are left out"""
    made = []
    for name, text in _plots(results):
        if text:
            path = folder / f"{name}.svg"
            path.write_text(text, encoding="utf-8")
            made.append(str(path))
    return made
