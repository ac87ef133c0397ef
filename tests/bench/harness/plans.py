"""plans.py - which loads are measured: a row per section, for each length of the benchmark.

Knows names and numbers only. Servers take turns within each round of a cell; a section starts its
servers and ends them, so that peak RSS is that of its models alone.
"""

import collections

from forms import FORMS
from models import Body

# A cell's servers are its section's, unless it names some of them.
Cell = collections.namedtuple("Cell", "body connections servers", defaults=(None,))
# mixed: each round goes through all cells, since it is them that are compared
Section = collections.namedtuple("Section", "name title models servers cells rounds seconds mixed", defaults=(False,))
# starts: how often start to ready is measured; memory: connections held open, of these servers
Plan = collections.namedtuple("Plan", "sections starts memory memory_servers")

SHIPPED = ("digits", "breast-cancer")
PEERS = ("torch", "torch-tuned", "ort", "node")
ALL = ("axond", "echo", *PEERS)
ONE = Body("digits", 1)
ONE_DECIMALS = Body("digits", 1, "decimals")
BIG = Body("net1024", 1)
# Few rows of work leave time for many connections; each of them has a body in flight.
CONNECTIONS_OF_ROWS = {1: 64, 32: 16, 256: 4}
GROWTH = [4**i for i in range(7)]


def one_row(rounds, seconds, kinds):
    own = ("axond", "echo", "axond-off", "axond-64k")
    cells = [*(Cell(body, 64) for body in kinds), Cell(ONE, 1, ("axond", "echo"))]
    return Section("one", "one row, digits", SHIPPED, own, cells, rounds, seconds)


def body_of(model, count):
    """Decimals are what most networks take; digits' real rows are whole numbers, which are cheap to read."""
    return Body(model, count, "decimals" if model == "digits" else "real")


def rows(model, rounds, seconds):
    cells = [Cell(body_of(model, n), c) for n, c in CONNECTIONS_OF_ROWS.items()]
    return Section(f"rows-{model}", f"rows, {model}", (model,), ALL, cells, rounds, seconds)


def connections(counts, rounds, seconds):
    cells = [Cell(ONE, n) for n in counts]
    return Section("connections", "connections, digits", SHIPPED, ALL, cells, rounds, seconds)


def batching(threads, rounds, seconds):
    own = tuple(f"batch-{switch}-{t}" for t in threads for switch in ("on", "off"))
    cells = [Cell(BIG, 32), Cell(BIG, 1)]
    return Section("batching", "batching, net1024", ("net1024",), own, cells, rounds, seconds)


def growth(model, servers, counts, rounds, seconds):
    cells = [Cell(body_of(model, n), 64 if n == 1 else 4) for n in counts]
    return Section(f"growth-{model}", f"growth, {model}", (model,), servers, cells, rounds, seconds, True)


def forms(rounds, seconds):
    cells = [
        Cell(Body("digits", n, "decimals", form), c, ("axond",)) for n, c in CONNECTIONS_OF_ROWS.items() for form in FORMS
    ]
    return Section("forms", "forms of a request, digits", ("digits",), ("axond",), cells, rounds, seconds, True)


PLANS = {
    "full": Plan(
        [
            one_row(11, 1, (ONE, ONE_DECIMALS)),
            *(rows(m, 3, 1) for m in ("digits", "breast-cancer", "net784", "net1024")),
            connections((1, 16, 64, 1000, 10000), 3, 1),
            batching((1, 2), 5, 1),
            growth("digits", ALL, GROWTH, 3, 1),
            growth("net784", ("axond", "echo"), GROWTH, 3, 1),
            forms(9, 1),
        ],
        starts=11,
        memory=(1, 10, 100, 1000, 10000),
        memory_servers=ALL,
    ),
    "quick": Plan(
        [
            one_row(5, 1, (ONE,)),
            rows("digits", 1, 1),
            batching((1,), 2, 1),
            growth("digits", ("axond",), (1, 16, 256, 4096), 3, 1),
            forms(3, 1),
        ],
        starts=5,
        memory=(100, 1000),
        memory_servers=("axond", "echo"),
    ),
    "smoke": Plan(
        [Section("one", "smoke", ("digits",), ("axond", "echo"), [Cell(ONE, 4)], 1, 1)],
        starts=0,
        memory=(),
        memory_servers=(),
    ),
}
