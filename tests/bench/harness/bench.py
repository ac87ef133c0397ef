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
from forms import FORMS
from machine import Failure
from results import Key, Results

TOLERANCE = 1e-3
# A body is posted for so long before it counts: peers compile at the first requests.
WARM_SECONDS = 0.3
# A round lasts until so many replies may be expected, within reason.
REPLIES_MIN, SECONDS_MAX = 20, 5
# A slow peer takes that long to accept so many connections before it replies to one.
MANY_CONNECTIONS, MANY_SECONDS_MAX = 5000, 10
# Below that others had the core, or the load generator was the limit.
BUSY_MIN = 0.8
EXPORT_SECONDS = 120
NEED_ONNX = {"ort", "node"}


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
    parser.add_argument("--readme", action="store_true", help="put the table into tests/bench/RESULTS.md")
    return parser.parse_args()


# ---- right answers -------------------------------------------------------------------------------


def _numbers(reply, running, body):
    try:
        return FORMS[body.form].read(reply)
    except (ValueError, KeyError, TypeError, IndexError) as e:
        raise Failure(f"{running.name}: not a prediction: {reply[:80]!r}") from e


def compare(got, want, running, body):
    """Peers run the same network, or they are no peers."""
    if len(got) != len(want):
        raise Failure(f"{running.name}: {len(got)} numbers for {body}, axond has {len(want)}")
    worst = max(abs(a - b) for a, b in zip(got, want))
    if not worst <= TOLERANCE:
        raise Failure(f"{running.name}: {body}: differs from axond by {worst:.2g}")


class Bodies:
    """Bodies as files for wrk, the sizes of axond's replies, and its answers, which are the same in all forms."""

    def __init__(self, folder):
        self.folder, self.sizes, self.answers = folder, {}, {}
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, body):
        path = self.folder / f"{body.model}-{body.rows}-{body.kind}-{body.form}"
        if not path.exists():
            path.write_bytes(models.request(body)[0])
        return path

    def path_of(self, running, body):
        return servers.path_of(running.name, body, self.sizes.get(body))

    def warm(self, running, body):
        """-> seconds that one request takes, after a check of its answer"""
        (text, headers), path, rows = models.request(body), self.path_of(running, body), body._replace(form="predict")
        reply = running.post(path, text, headers)
        if rows not in self.answers and not servers.is_axond(running.name):
            raise Failure(f"{running.name}: axond has no answer for {body}")
        if servers.is_echo(running.name):
            if len(reply) != self.sizes[body]:
                raise Failure(f"{running.name}: {len(reply)} bytes for {path}")
        else:
            self.sizes.setdefault(body, len(reply))
            numbers = _numbers(reply, running, body)
            compare(numbers, self.answers.setdefault(rows, numbers), running, body)
        start, count = time.monotonic(), 0
        while count == 0 or time.monotonic() - start < WARM_SECONDS:
            running.post(path, text, headers)
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
        self.connections_max = machine.connections_max()
        self.sections = [s for s in self.plan.sections if args.only in s.name]
        self.interrupted = False

    def skip(self, why):
        if why not in self.results.skipped:
            self.results.skipped.append(why)
            say(f"bench: {why}")

    def fail(self, what):
        """The run goes on, without what failed, and ends with exit status 1."""
        self.results.add_failure(str(what))
        say(f"bench: {what}")

    def drop(self, running, name, why):
        """A server that fails is out for the rest of its section, unless the others are held against it."""
        running.pop(name).process.end()
        if name == "axond":
            raise why
        self.fail(f"{why}; {name} is out of this section")

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
        """-> servers that may be started: repositories of the section's models are there, for axond and as ONNX"""
        work = self.into
        self.places["models"] = str(models.make_repository(work, "models", section.models))
        self.places["onnx"] = str(work / "onnx")
        shutil.rmtree(work / "onnx", ignore_errors=True)
        if section.name == "batching":
            models.make_repository(work, "batching-on", section.models, {"rows_max": 256})
            models.make_repository(work, "batching-off", section.models, {"rows_max": 1})
        python = Path(self.places["peers"]) / "python/bin/python"
        names = self.usable(section.servers)
        if NEED_ONNX & set(names) and python.exists():
            try:
                self.export(python)
            except Failure as e:
                self.fail(f"{e}; {' and '.join(sorted(NEED_ONNX))} are out of this section")
                names = [n for n in names if n not in NEED_ONNX]
        return names

    def export(self, python):
        command = [
            str(python), "-B", str(servers.PEERS / "onnx_export.py"), self.places["models"], self.places["onnx"],
        ]  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=EXPORT_SECONDS, check=True)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"onnx_export.py takes more than {EXPORT_SECONDS} s") from e
        except subprocess.CalledProcessError as e:
            raise Failure(f"onnx_export.py: {(e.stderr.strip() or 'no word').splitlines()[-1]}") from e

    def start(self, names, running):
        """Adds those that answer to `running`."""
        for name in names:
            try:
                running[name] = servers.Running(name, self.places)
            except Failure as e:
                if name == "axond":
                    raise
                self.fail(f"{e}; {name} is out of this section")

    def warm(self, section, cell, running):
        """-> {server: seconds that one request takes}"""
        took = {}
        for name in [n for n in cell.servers or section.servers if n in running]:
            try:
                took[name] = self.bodies.warm(running[name], cell.body)
            except Failure as e:
                self.drop(running, name, e)
        return took

    def round(self, section, cell, running, took):
        for name in [n for n in took if n in running]:
            # Those that wait longest must be answered within the round, too.
            needed = took[name] * max(REPLIES_MIN, 1.5 * cell.connections)
            most = MANY_SECONDS_MAX if cell.connections >= MANY_CONNECTIONS else SECONDS_MAX
            seconds = min(max(section.seconds, math.ceil(needed)), most)
            try:
                load = wrk.load(
                    running[name], self.bodies.path_of(running[name], cell.body),
                    self.bodies.path(cell.body), models.request(cell.body)[1], cell.connections, seconds,
                )  # fmt: skip
            except Failure as e:
                self.drop(running, name, e)
                continue
            self.results.add(Key(section.name, cell.body, cell.connections, name), load)

    def cells(self, section, cells, running):
        """The rounds of some cells, each round through all of them."""
        took = [self.warm(section, cell, running) for cell in cells]
        for _ in range(section.rounds):
            for cell, each in zip(cells, took):
                self.round(section, cell, running, each)
        for cell, each in zip(cells, took):
            say(*report.cell_text(self.results, section, cell, each), sep="\n")

    def section(self, section):
        cells = [c for c in section.cells if c.connections <= self.connections_max]
        for cell in section.cells:
            if cell not in cells:
                self.skip(f"{cell.connections} connections are skipped: this machine allows {self.connections_max}")
        running = {}
        try:
            self.start(self.prepare(section), running)
            say(*report.section_head(section), sep="\n")
            for some in [cells] if section.mixed else [[c] for c in cells]:
                self.cells(section, some, running)
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
        section = plans.Section("memory", "", plans.SHIPPED, self.plan.memory_servers, [], 0, 0)
        for name in self.prepare(section):
            running, found = {}, {}
            try:
                self.start([name], running)
                if running:
                    self.memory_of(running[name], counts, found)
            except Failure as e:
                self.fail(e)
            finally:
                for server in running.values():
                    server.process.end()
                if found:
                    self.results.add_memory(name, found)
        say(*report.memory_text(self.results), sep="\n")

    def memory_of(self, running, counts, found):
        self.bodies.warm(running, plans.ONE)
        text, path = self.bodies.path(plans.ONE).read_bytes(), self.bodies.path_of(running, plans.ONE)
        found.update(measures.memory_of_connections(running, path, text, counts))

    def guarded(self, name, measure, *more):
        try:
            measure(*more)
        except Failure as e:
            self.fail(f"{e}; this ends the section {name}")

    def all(self, only):
        say(f"{self.about}; load average {machine.load_average():.1f}")
        for section in self.sections:
            self.guarded(section.name, self.section, section)
        if not only or "start" in only:
            self.guarded("start", self.starts)
        if not only or "memory" in only:
            self.guarded("memory", self.memory)


def duration(seconds):
    return f"{seconds:.0f} seconds" if seconds < 180 else f"{seconds / 60:.0f} minutes"


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
        f"{machine.revision()}, on {run.about}. {duration(seconds)}; load average before "
        f"{run.load_before:.1f}.{' ' + warning if shared else ''}"
    )
    left_out = [*run.results.skipped, *run.results.failures, *(["interrupted"] if run.interrupted else [])]
    if left_out:
        about += f" Left out: {'; '.join(left_out)}."
    table = "\n".join(report.markdown(run.results, about)) + "\n"
    (run.into / "table.md").write_text(table, encoding="utf-8")
    if args.readme and run.interrupted:
        say("bench: RESULTS.md keeps its table, since the run was interrupted")
    elif args.readme:
        report.write_results(table)
    for why in left_out:
        say(f"bench: {why}")
    say(f"bench: {seconds:.0f} s in total; {run.results.path}, {run.into}/table.md", *made)


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        machine.need_tools()
        machine.raise_open_files()
        os.sched_setaffinity(0, machine.CLIENT_CORES)
        start, run = time.monotonic(), Run(args)
        try:
            run.all(args.only)
        except KeyboardInterrupt:
            run.interrupted = True
        finish(run, args, time.monotonic() - start)
        if run.interrupted or run.results.failures:
            sys.exit(1)
    except Failure as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    finally:
        processes.end_all()


if __name__ == "__main__":
    main()
