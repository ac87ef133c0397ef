#!/usr/bin/env python3
"""bench.py - what axond costs beside a bare libmicrohttpd, FastAPI and Node, as ratios of one run; see ../README.md."""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import machine
import measures
import models
import plans
import processes
import report
import servers
import wrk
from machine import Failure
from results import Key, Results

TOLERANCE = 1e-3
# A body is posted for so long before it counts: peers compile at the first requests.
WARM_SECONDS = 0.3
# A round lasts until so many replies may be expected, within reason.
REPLIES_MIN, SECONDS_MAX = 20, 5
# Below that others had the core, or the load generator was the limit.
BUSY_MIN = 0.8


def say(*words, sep=" "):
    print(*words, sep=sep, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--axond", required=True, help="the daemon")
    parser.add_argument("--echo", default="", help="the yardstick, tests/bench/echo")
    parser.add_argument("--peers", default="build/bench-peers", help="where make bench-peers has put them")
    parser.add_argument("--into", default="build/bench", help="folder for results, plots and models")
    parser.add_argument("--plan", choices=plans.PLANS, default="full")
    parser.add_argument("--only", default="", help="sections whose name holds this")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    return parser.parse_args()


# ---- right answers -------------------------------------------------------------------------------


def _numbers(reply, running):
    try:
        rows = json.loads(reply)["predictions"]
        return [float(x) for row in rows for x in row]
    except (ValueError, KeyError, TypeError) as e:
        raise Failure(f"{running.name}: not a prediction: {reply[:80]!r}") from e


def compare(got, want, running, body):
    """Peers run the same network, or they are no peers."""
    if len(got) != len(want):
        raise Failure(f"{running.name}: {len(got)} numbers for {body}, axond has {len(want)}")
    worst = max(abs(a - b) for a, b in zip(got, want))
    if not worst <= TOLERANCE:
        raise Failure(f"{running.name}: {body}: differs from axond by {worst:.2g}")


class Bodies:
    """Bodies as files for wrk, and axond's answers to them."""

    def __init__(self, folder):
        self.folder, self.answers = folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, body):
        path = self.folder / f"{body.model}-{body.rows}-{body.kind}.json"
        if not path.exists():
            path.write_bytes(models.text(body))
        return path

    def path_of(self, running, body):
        return servers.path_of(running.name, body, self.answers.get(body, (0, None))[0])

    def warm(self, running, body):
        """-> seconds that one request takes, after a check of its answer"""
        text, path = self.path(body).read_bytes(), self.path_of(running, body)
        reply = running.post(path, text)
        if running.name == "echo":
            if len(reply) != self.answers[body][0]:
                raise Failure(f"echo: {len(reply)} bytes for {path}")
        elif body not in self.answers:
            self.answers[body] = len(reply), _numbers(reply, running)
        else:
            compare(_numbers(reply, running), self.answers[body][1], running, body)
        start, count = time.monotonic(), 0
        while count == 0 or time.monotonic() - start < WARM_SECONDS:
            running.post(path, text)
            count += 1
        return (time.monotonic() - start) / count


# ---- a run ---------------------------------------------------------------------------------------


class Run:
    def __init__(self, args):
        self.plan = plans.PLANS[args.plan]
        self.into = Path(args.into).resolve()
        shutil.rmtree(self.into / "bodies", ignore_errors=True)
        self.bodies = Bodies(self.into / "bodies")
        self.places = {
            "axond": str(Path(args.axond).resolve()), "echo": str(Path(args.echo).resolve()) if args.echo else "-",
            "peers": str(Path(args.peers).resolve()), "work": str(self.into),
        }  # fmt: skip
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.about, self.load_before = machine.describe(), machine.load_average()
        self.results = Results(
            self.into / f"{args.plan}-{stamp}.jsonl",
            {"machine": self.about, "revision": machine.revision(), "plan": args.plan, "load": self.load_before},
        )
        self.blas_core, self.connections_max = None, machine.connections_max()
        self.sections = [s for s in self.plan.sections if args.only in s.name]

    def skip(self, why):
        if why not in self.results.skipped:
            self.results.skipped.append(why)
            say(f"bench: {why}")

    def usable(self, names):
        """Those that are installed; axond is first, since it has the answers that the others are held against."""
        found = []
        for name in names:
            why = servers.absent(name, self.places)
            if why:
                self.skip(why)
            else:
                found.append(name)
        return found

    def prepare(self, section):
        """Repositories of the section's models, for axond and as ONNX for the others."""
        work = self.into
        self.places["models"] = str(models.make_repository(work, "models", section.models))
        self.places["onnx"] = str(work / "onnx")
        shutil.rmtree(work / "onnx", ignore_errors=True)
        if section.name == "batching":
            models.make_repository(work, "batching-on", section.models, {"rows_max": 256})
            models.make_repository(work, "batching-off", section.models, {"rows_max": 1})
        python = Path(self.places["peers"]) / "python/bin/python"
        if {"ort", "node"} & set(self.usable(section.servers)) and python.exists():
            self.export(python)

    def export(self, python):
        done = subprocess.run(
            [str(python), "-B", str(servers.PEERS / "onnx_export.py"), self.places["models"], self.places["onnx"]],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"onnx_export.py: {done.stderr.strip().splitlines()[-1]}")

    def start(self, names):
        running = {}
        for name in names:
            running[name] = servers.Running(name, self.places, self.blas_core)
            if servers.is_axond(name) and not self.blas_core:
                self.blas_core = running[name].blas_core()
        return running

    def cell(self, section, cell, running):
        if cell.connections > self.connections_max:
            self.skip(f"{cell.connections} connections are skipped: this machine allows {self.connections_max}")
            return ()
        names = [n for n in cell.servers or section.servers if n in running]
        took = {n: self.bodies.warm(running[n], cell.body) for n in names}
        for _ in range(section.rounds):
            for name in names:
                # Those that wait longest must be answered within the round, too.
                needed = took[name] * max(REPLIES_MIN, 1.5 * cell.connections)
                seconds = min(max(section.seconds, math.ceil(needed)), SECONDS_MAX)
                load = wrk.load(
                    running[name], self.bodies.path_of(running[name], cell.body),
                    self.bodies.path(cell.body), cell.connections, seconds,
                )  # fmt: skip
                self.results.add(Key(section.name, cell.body, cell.connections, name), load)
        return names

    def section(self, section):
        self.prepare(section)
        running = self.start(self.usable(section.servers))
        say(*report.section_head(section), sep="\n")
        try:
            for cell in section.cells:
                names = self.cell(section, cell, running)
                say(*report.cell_text(self.results, section, cell, names), sep="\n")
        finally:
            for server in running.values():
                server.process.end()

    def starts(self):
        for _ in range(self.plan.starts):
            self.results.add_start(*measures.start_to_ready(self.places))

    def memory(self):
        counts = [n for n in self.plan.memory if n <= self.connections_max]
        if not counts:
            return
        self.prepare(plans.Section("memory", "", plans.SHIPPED, plans.ALL, [], 0, 0))
        text = self.bodies.path(plans.ONE).read_bytes()
        for name in self.usable(plans.ALL):
            running = self.start([name])[name]
            try:
                self.bodies.warm(running, plans.ONE)
                path = self.bodies.path_of(running, plans.ONE)
                self.results.add_memory(name, measures.memory_of_connections(running, path, text, counts))
            finally:
                running.process.end()
        say(*report.memory_text(self.results), sep="\n")

    def all(self, only):
        say(f"{self.about}; load average {machine.load_average():.1f}")
        for section in self.sections:
            self.section(section)
        if not only or "start" in only:
            self.starts()
        if not only or "memory" in only:
            self.memory()


def finish(run, args, seconds):
    say(*report.targets_text(run.results), sep="\n")
    made = report.write_plots(run.results, run.into)
    busy = run.results.busy("axond", 64)
    shared = busy is not None and busy < BUSY_MIN
    if shared:
        warning = f"At 64 connections axond had {busy:.2f} of its core: judge by CPU per request."
        say(f"bench: {warning}")
    about = (
        f"`make {'bench' if args.plan == 'full' else 'bench-' + args.plan}`, {time.strftime('%Y-%m-%d')}, "
        f"{machine.revision()}, on {run.about}. {seconds / 60:.0f} minutes; load average before "
        f"{run.load_before:.1f}.{' ' + warning if shared else ''}"
    )
    table = "\n".join(report.markdown(run.results, about)) + "\n"
    (run.into / "table.md").write_text(table, encoding="utf-8")
    if args.readme:
        report.write_readme(table)
    for why in run.results.skipped:
        say(f"bench: {why}")
    say(f"bench: {seconds:.0f} s; {run.results.path}, {run.into}/table.md", *made)


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        machine.need_tools()
        machine.raise_open_files()
        os.sched_setaffinity(0, machine.CLIENT_CORES)
        start, run = time.monotonic(), Run(args)
        run.all(args.only)
        finish(run, args, time.monotonic() - start)
    except Failure as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    finally:
        processes.end_all()


if __name__ == "__main__":
    main()
