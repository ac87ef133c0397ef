"""results.py - what has been measured, in memory and as JSON lines for a later comparison.

Invariant: the samples of a cell are in the order of the rounds for every server, so that the same
round of two servers can be compared.
"""

import collections
import json
import statistics

# The fields of a Load are in wrk.py.
Key = collections.namedtuple("Key", "section body connections server")


class Results:
    def __init__(self, path, header):
        self.samples = collections.defaultdict(list)
        self.starts, self.memory, self.skipped, self.failures = [], {}, [], []
        self.path = path
        self._write({"kind": "run", **header})

    def _write(self, line):
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def add(self, key, load):
        self.samples[key].append(load)
        where = {"section": key.section, "server": key.server, "connections": key.connections}
        body = {"model": key.body.model, "rows": key.body.rows, "values": key.body.kind, "form": key.body.form}
        self._write({"kind": "load", **where, **body, **load._asdict()})

    def add_start(self, milliseconds, rss_kb):
        self.starts.append((milliseconds, rss_kb))
        self._write({"kind": "start", "ms": milliseconds, "rss_kb": rss_kb})

    def add_memory(self, server, per_connection):
        self.memory[server] = per_connection
        self._write({"kind": "memory", "server": server, "bytes": per_connection})

    def add_failure(self, what):
        self.failures.append(what)
        self._write({"kind": "failure", "what": what})

    def median(self, key, field):
        """-> of the rounds, or None"""
        loads = self.samples.get(key)
        return statistics.median(getattr(load, field) for load in loads) if loads else None

    def busy(self, server, connections):
        """-> median over all cells of one row, or None"""
        found = [
            load.busy
            for k, loads in self.samples.items() for load in loads
            if (k.server, k.connections, k.body.rows) == (server, connections, 1)
        ]  # fmt: skip
        return statistics.median(found) if found else None

    def ratio(self, key, field, a, b):
        """-> median of the rounds' ratios of two servers in a cell, or None"""
        pairs = zip(self.samples.get(key._replace(server=a), ()), self.samples.get(key._replace(server=b), ()))
        ratios = [getattr(x, field) / getattr(y, field) for x, y in pairs if getattr(y, field) > 0]
        return statistics.median(ratios) if ratios else None

    def cells_ratio(self, key, other, field):
        """-> median of the rounds' ratios of two cells, or None; a round of such a section has all its cells"""
        pairs = zip(self.samples.get(key, ()), self.samples.get(other, ()))
        ratios = [getattr(x, field) / getattr(y, field) for x, y in pairs]
        return statistics.median(ratios) if ratios else None

    def growth(self, section, server, field="cpu_us"):
        """-> [(rows, microseconds per row), ...], rising"""
        found = [
            (k.body.rows, self.median(k, field) / k.body.rows)
            for k in self.samples if k.section == section and k.server == server
        ]  # fmt: skip
        return sorted(found)

    def growth_ratio(self, section, server, rows_a, rows_b, field="cpu_us"):
        """-> median of the rounds' ratios of two costs per row, a over b; a round of such a section has all its cells"""
        loads = {
            k.body.rows: loads for k, loads in self.samples.items() if k.section == section and k.server == server
        }
        pairs = zip(loads[rows_a], loads[rows_b])
        return statistics.median((getattr(a, field) / rows_a) / (getattr(b, field) / rows_b) for a, b in pairs)

    def over_connections(self, server, field):
        """-> [(connections, median of a field), ...], rising"""
        return sorted(
            (k.connections, self.median(k, field))
            for k in self.samples if k.section == "connections" and k.server == server
        )  # fmt: skip
