#!/usr/bin/env python3
"""accuracy.py --write ACCURACY KERNELS GRADIENTS | --check - the tables of accuracy in lib/README.md.

--write makes them of what the program accuracy and bench-kernels have printed; --check (TAP) says whether they have a
row for each elementwise activation, with a promise that is the registry's, and none above it.
"""
import os
import re
import sys

README, REGISTRY = "lib/README.md", "lib/activation.def"
MARKS = "<!-- accuracy -->\n", "<!-- /accuracy -->"
ELEMENTS = "65536"
ELEMENTWISE = "PIECEWISE", "CHANNELWISE", "SMOOTH"
ISAS = "avx512", "avx2", "baseline"
PEERS = {"torch": "PyTorch", "onednn": "oneDNN", "libmvec": "libmvec", "sleef": "SLEEF"}
WRONG = 2**24  # all of a float's digits

TEXT = """Errors in ULP against `tests/oracle`, largest / mean, over every 257th of all floats, and ns per element at 64 Ki
elements ({machine}, one thread, one run of `make bench-kernels`; – where there is no figure). The
promise holds over all 2^32 inputs, which `make exhaustive` proves; 0 is the nearest float. "wrong" is 2^24 ULP or more, a
result without one right digit, or a NaN or infinity that should be none; it counts 2^24 in a mean. Peers are what their users call,
or would compose as `tests/bench/kernels_vector.c` does. `make accuracy` writes this.
"""


def promises():
    """{name: ulp_max} of the elementwise rows: ulp_max stands before the rule of exact zeros."""
    text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', "", open(REGISTRY).read(), flags=re.S)
    rows = re.findall(r"^ACT\((\w+), (\w+),.*?([\d.]+)f,\s*ZEROS\b", text, flags=re.S | re.M)
    return {name: float(ulps) for name, kind, ulps in rows if kind in ELEMENTWISE}


def contender(name):
    """The column that a contender belongs to: libmvec and SLEEF are there in their best form only."""
    first = name.split()[0]
    return name if name in ISAS or name == "torch" else first if first in PEERS and first != "torch" else None


def read(path, value):
    table = {}
    for line in open(path) if os.path.exists(path) else ():
        row, name, *fields = line.rstrip("\n").split("\t")
        column, cell = contender(name), value(fields)
        if column and cell is not None:
            table.setdefault((row, column), cell)
    return table


def time_of(fields):
    return float(fields[1]) if fields[0] == ELEMENTS else None


def number(ulps):
    if ulps >= WRONG:
        return "wrong"
    return f"{ulps:.0e}".replace("e+0", "e") if ulps >= 1e4 else f"{ulps:.0f}" if ulps >= 100 else f"{ulps:.3g}"


def cell(errors, ns):
    if errors is None:
        return "–"
    return f"{number(errors[0])} / {number(errors[1])} / " + (f"{ns:.2f}" if ns is not None else "–")


def table(title, mark, errors, times):
    columns = [c for c in (*ISAS, *PEERS) if any(column == c for _, column in errors)]
    lines = [f"| {title} | promise | " + " | ".join(PEERS.get(c, c) for c in columns) + " |",
             "| --- " * (len(columns) + 2) + "|"]
    for name, promise in promises().items():
        cells = [cell(errors.get((name + mark, c)), times.get((name + mark, c))) for c in columns]
        lines.append(f"| {name} | {promise:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def machine():
    names = re.findall(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), flags=re.M)
    return names[0] if names else os.uname().machine


def write(accuracy, kernels, gradients):
    errors = read(accuracy, lambda fields: tuple(map(float, fields)))
    times = {**read(kernels, time_of), **read(gradients, time_of)}
    text = "\n".join([TEXT.format(machine=machine()), table("f: max / mean / ns", "", errors, times),
                      table("f': max / mean / ns", "'", errors, times)])
    readme = open(README).read()
    pattern = re.compile(f"({MARKS[0]}).*?({MARKS[1]})", re.S)
    if not pattern.search(readme):
        sys.exit(f"accuracy.py: {README} lacks {MARKS[0].strip()} and {MARKS[1]}")
    open(README, "w").write(pattern.sub(lambda m: m[1] + "\n" + text + "\n" + m[2], readme))


def offenders(index):
    """Faults of the index-th table of the README: rows that lack, are too many, promise or measure otherwise."""
    text = open(README).read().partition(MARKS[0])[2].partition(MARKS[1])[0]
    tables = re.split(r"^\| f'?: max.*\n.*\n", text, flags=re.M)[1:]
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", tables[index], flags=re.M)) if index < len(tables) else {}
    wanted = promises()
    for name in [n for n in wanted if n not in rows] + [n for n in rows if n not in wanted]:
        yield f"{name}: not in both, the table and {REGISTRY}"
    for name in rows.keys() & wanted.keys():
        promise, ours = rows[name].split(" | ")[:2]
        worst = ours.split(" / ")[0]
        if float(promise) != wanted[name] or worst in ("wrong", "–") or float(worst) > max(wanted[name], 0.5):
            yield f"{name}: {ours} against a promise of {promise}, {wanted[name]:g} in {REGISTRY}"


def check():
    failed = 0
    for index, what in enumerate(("activation", "derivative")):
        found = list(offenders(index))
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {index + 1} - {README} shows the accuracy of every {what} (make accuracy)")
        for line in found:
            print(f"# {README}: {line}")
    print("1..2")
    return 1 if failed else 0


if len(sys.argv) == 5 and sys.argv[1] == "--write":
    write(*sys.argv[2:])
elif sys.argv[1:] == ["--check"]:
    sys.exit(check())
else:
    sys.exit(__doc__)
