#!/usr/bin/env python3
"""pairs.py - two daemons side by side: the server's CPU time per request, and by how much one is dearer.

    pairs.py [--body digits:1:real[:FORM]@64]... [--rounds 15] [--seconds 1] OLD NEW

OLD and NEW are command lines, 'build/release/axond --headers-bytes-max 64k'; address, models and one thread are added. Both
are up at once and take turns, the other one first in every second round. A ratio is the median of the rounds' ratios, with its
quartiles: what lies within them is noise.
"""

import argparse
import shlex
import signal
import statistics
import sys
from pathlib import Path

import machine
import models
import processes
import servers
import wrk
from bench import Bodies
from forms import FORMS
from machine import Failure

NAMES = ("axond-old", "axond-new")
ONE_ROW = "digits:1:real@64"


def cell(text):
    """digits:1:real@64, or digits:1:real:v2-binary@64 -> (Body, connections)"""
    try:
        body, connections = text.split("@")
        model, rows, kind, *form = body.split(":")
        return models.Body(models.MODELS[model].name, int(rows), kind, *(FORMS[f].name for f in form)), int(connections)
    except (ValueError, KeyError, TypeError) as e:
        raise argparse.ArgumentTypeError(f"{text}: expected MODEL:ROWS:real|decimals[:{'|'.join(FORMS)}]@CONNECTIONS") from e


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", type=cell, action="append", help=f"may be repeated; {ONE_ROW} if there is none")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1, help="of one load")
    parser.add_argument("--into", default="build/bench/pairs", help="folder for bodies, models and logs")
    parser.add_argument("old")
    parser.add_argument("new")
    return parser.parse_args()


def start(args, into, running):
    used = sorted({body.model for body, _ in args.body})
    places = {"work": str(into), "peers": "", "models": str(models.make_repository(into, "models", used))}
    for name, command in zip(NAMES, (args.old, args.new)):
        command = [*shlex.split(command), *servers.AXOND[1:], *servers.ALL]
        servers.SERVERS[name] = servers.Server(name, name, command)
        running[name] = servers.Running(name, places)


def rounds(args, bodies, running, body, connections):
    """-> [(load of OLD, load of NEW), ...]"""
    for name in NAMES:
        bodies.warm(running[name], body)
    pairs = []
    for i in range(args.rounds):
        loads = {
            name: wrk.load(
                running[name], bodies.path_of(running[name], body), bodies.path(body), models.request(body)[1], connections, args.seconds
            )
            for name in (NAMES if i % 2 == 0 else NAMES[::-1])
        }
        pairs.append(tuple(loads[name] for name in NAMES))
    return pairs


def told(pairs, field):
    """-> medians of both, and of NEW over OLD with its quartiles"""
    old, new = ([getattr(load, field) for load in side] for side in zip(*pairs))
    ratios = [b / a for a, b in zip(old, new)]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return f"{statistics.median(old):12.1f} {statistics.median(new):12.1f} {middle:8.3f} ({low:.3f} .. {high:.3f})"


def main():
    args = arguments()
    args.body = args.body or [cell(ONE_ROW)]
    into = Path(args.into).resolve()
    into.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    running = {}
    try:
        machine.need_tools()
        start(args, into, running)
        print(f"{machine.describe()}; load average {machine.load_average():.1f}; {args.rounds} rounds")
        print(f"{'':40} {'old':>12} {'new':>12} {'new/old':>8} (quartiles)")
        for body, connections in args.body:
            pairs = rounds(args, Bodies(into), running, body, connections)
            size = Bodies(into).path(body).stat().st_size
            what = f"{body.model}, {body.rows} {body.kind} rows, {FORMS[body.form].title}, {size} bytes, {connections} conn."
            print(what)
            for field, unit in (("cpu_us", "us of CPU per request"), ("rps", "requests/s"), ("peak_kb", "peak RSS, KiB")):
                print(f"    {unit:36} {told(pairs, field)}", flush=True)
    except Failure as e:
        print(f"pairs: {e}", file=sys.stderr)
        return 1
    finally:
        processes.end_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
