"""processes.py - start servers, ask the kernel what they use, end them by their pids.

Invariant: a process that was started here is in `started` until it has ended, and end_all() ends
what is there. Should the benchmark itself be killed, the kernel kills them (setpriv --pdeathsig).
"""

import os
import re
import subprocess
import time

from machine import SERVER_CORES, Failure, pinned

END_SECONDS = 5
started = []


def environment(more):
    """Without what this machine may set for other programs: an OpenBLAS kernel, thread counts."""
    keep = {k: v for k, v in os.environ.items() if not re.match("OPENBLAS_|OMP_|MKL_|AXOND_", k)}
    return {**keep, **more}


class Process:
    """A running server."""

    def __init__(self, command, log, cores=SERVER_CORES, env=None, cwd=None):
        self.command, self.log = command, log
        with open(log, "wb") as f:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *pinned(cores), *command],
                stdin=subprocess.DEVNULL, stdout=f, stderr=f, cwd=cwd, env=environment(env or {}),
            )
        started.append(self)
        self.pid = self.child.pid

    def need_alive(self):
        if self.child.poll() is not None:
            raise Failure(f"{self.command[0]} has ended: {self.last_words()}")

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            lines = f.read().strip().splitlines()
        telling = [line for line in lines if "rror" in line] or lines
        return telling[-1].strip() if telling else f"exit status {self.child.returncode}"

    def cpu_ns(self):
        """CPU time of all its threads, from the clock that clock_getcpuclockid(3) names."""
        self.need_alive()
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def _status_kb(self, field):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            found = re.search(rf"^{field}:\s+(\d+)", f.read(), re.M)
        if not found:
            raise Failure(f"{self.command[0]} has ended: {self.last_words()}")
        return int(found[1])

    def rss_kb(self):
        return self._status_kb("VmRSS")

    def peak_kb(self):
        return self._status_kb("VmHWM")

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")

    def wait_idle(self, limit=60):
        """Work that its clients have left behind must not be on the next one's clock."""
        end, before = time.monotonic() + limit, self.cpu_ns()
        while time.monotonic() < end:
            time.sleep(0.05)
            now = self.cpu_ns()
            if now - before < 5_000_000:
                return
            before = now
        raise Failure(f"{self.command[0]} goes on working {limit} s after its clients have gone")

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(END_SECONDS)
        if self in started:
            started.remove(self)


def end_all():
    for process in started:
        if process.child.poll() is None:
            process.child.terminate()
    for process in list(started):
        process.end()


