"""dashboard.py - checks of what watches axond, for dashboard.sh and t2900-prometheus.sh.

One offender per line, exit 1 if there is one.
Standard library only: rules and compose are read as text, by the layout that these files keep (one key per line).
"""
import itertools
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROW = re.compile(r'^METRIC\((\w+),\s*(\w+),\s*(\w+),\s*"([\w,]*)"', re.M)
SELECTOR = re.compile(r"(?<![\w:.])((?:axond|process)_\w+)(?![\w:])(?:\{([^}]*(?:\{\w+\}[^}]*)*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
TARGET_LABELS = {"job", "instance", "pod"}
NO_METRICS = {"axond_recording", "axond_alerts"}  # groups of rules


def wire_names():
    """Every sample name on the wire -> its labels, from metrics.def."""
    names = {}
    for ident, kind, scope, labels in ROW.findall(Path("server/metrics/metrics.def").read_text()):
        base = ident if scope == "PROCESS" else "axond_" + ident
        own = set(labels.split(",")) - {""} | TARGET_LABELS
        if kind.startswith(("HISTOGRAM", "SUMMARY")):
            names[base + "_sum"] = names[base + "_count"] = own
        if kind.startswith("HISTOGRAM"):
            names[base + "_bucket"] = own | {"le"}
        if not kind.startswith(("HISTOGRAM", "SUMMARY")):
            names[base] = own
    if len(names) < 30:
        raise SystemExit("server/metrics/metrics.def: METRIC rows are not read")
    return names


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(where, PromQL with the dashboard's variables filled in)"""
    found = [(panel["title"], target["expr"]) for panel in panels(dashboard) for target in panel.get("targets", [])]
    found += [(a["name"], a["expr"]) for a in dashboard["annotations"]["list"] if "expr" in a]
    for variable in dashboard["templating"]["list"]:
        inner = re.fullmatch(r"label_values\((.*), \w+\)", variable.get("definition", ""))
        if inner:
            found.append(("variable " + variable["name"], inner.group(1)))
    if len(found) < 20:
        raise SystemExit("the dashboard's queries are not read")
    for where, expr in found:
        expr = expr.replace("$__rate_interval", "5m").replace("$__interval", "15s")
        yield where, re.sub(r"\$(?:\{)?(job|instance|model)\}?", ".*", expr)


def read(path):
    return json.loads(Path(path).read_text())


def queries(path):
    """Not a check: the dashboard's queries as a file of rules, which is YAML since it is JSON."""
    rules = [{"record": f"q{i}", "expr": expr} for i, (_, expr) in enumerate(expressions(read(path)))]
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    return []


def answers(path, prometheus):
    """In a live Prometheus every query succeeds, and has data. Nothing was reloaded of late: an annotation has none."""
    for where, expr in expressions(read(path)):
        form = urllib.parse.urlencode({"query": expr}).encode()
        try:
            with urllib.request.urlopen(f"{prometheus}/api/v1/query", form, timeout=10) as reply:
                result = json.load(reply)["data"]["result"]
        except urllib.error.HTTPError as error:
            yield f"{path}: {where}: {error.read().decode()}"
            continue
        if not result and "changes(" not in expr:
            yield f"{path}: {where}: no data: {expr}"


def metrics(path):
    text = re.sub(r"^ *#.*$", "", Path(path).read_text(), flags=re.M)
    texts = [(f"{path}: {w}", e) for w, e in expressions(read(path))] if path.endswith(".json") else [
        (f"{path}:{n}", line) for n, line in enumerate(text.splitlines(), 1)]
    names = wire_names()
    seen = 0
    for where, line in texts:
        for name, matchers in SELECTOR.findall(line):
            if name in NO_METRICS:
                continue
            seen += 1
            if name not in names:
                yield f"{where}: {name} is no metric of metrics.def"
                continue
            for label in MATCHER.findall(matchers):
                if label not in names[name]:
                    yield f"{where}: {name} has no label {label}"
    if seen < 10:
        yield f"{path}: only {seen} metrics found"
    if path.endswith(".json"):
        variables = {"$" + v["name"] for v in read(path)["templating"]["list"]} | {"$__rate_interval", "$__all"}
        for used in sorted(set(re.findall(r"\$\w+", text)) - variables):
            yield f"{path}: {used} is no variable of the dashboard"
        return
    rules = Path("configs/prometheus/rules.yml").read_text()
    records = set(re.findall(r"record: (\S+)", rules))
    for used in sorted(set(re.findall(r"\b[a-z_]+:axond_\w+:\w+\b", text)) - records):
        yield f"{path}: {used} is recorded by no rule"


def alert_blocks(path):
    blocks = re.split(r"^ *- alert: ", Path(path).read_text(), flags=re.M)[1:]
    if len(blocks) < 6:
        raise SystemExit(f"{path}: alerts are not read")
    return [(block.split("\n", 1)[0].strip(), block) for block in blocks]


def alerts(path, runbook):
    headings = {h.lower() for h in re.findall(r"^#+ (\w+)$", Path(runbook).read_text(), re.M)}
    for name, block in alert_blocks(path):
        for key in ("expr", "for", "severity", "summary", "description", "runbook"):
            if not re.search(rf"^ +{key}: *\S", block, re.M):
                yield f"{path}: {name} has no {key}"
        if not re.search(rf'runbook: "{re.escape(runbook)}#{name.lower()}"', block) or name.lower() not in headings:
            yield f"{path}: {name}'s runbook is no section of {runbook}"


def tested(path, *tests):
    fired = set()
    for test in re.split(r"^ *- eval_time: ", "".join(Path(name).read_text() for name in tests), flags=re.M)[1:]:
        name = re.search(r"alertname: (\w+)", test)
        if name and "exp_labels:" in test:
            fired.add(name.group(1))
    for name, _ in alert_blocks(path):
        if name not in fired:
            yield f"{tests[0]}: no test expects {name}"


def places(all_panels):
    cells = {}
    for panel in all_panels:
        grid = panel["gridPos"]
        if grid["x"] < 0 or grid["x"] + grid["w"] > 24:
            yield f"{panel['title']}: wider than the grid"
        columns, rows = (range(grid[at], grid[at] + grid[length]) for at, length in (("x", "w"), ("y", "h")))
        for cell in itertools.product(columns, rows):
            if cells.setdefault(cell, panel["title"]) != panel["title"]:
                yield f"{panel['title']}: overlaps {cells[cell]}"
                break


def panel_faults(panel):
    if panel["datasource"]["uid"] != "${datasource}":
        yield "not the chosen data source"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"
    if not panel.get("description"):
        yield "no description"
    if not panel["targets"]:
        yield "no query"
    for target in panel["targets"]:
        if target["datasource"]["uid"] != "${datasource}" or not target["legendFormat"]:
            yield f"query {target['refId']}: not the chosen data source, or no legend"


def panels_check(path):
    dashboard = read(path)
    drawn = [p for p in panels(dashboard) if p["type"] != "row"]
    if dashboard["uid"] != "axond":
        yield f"{path}: the uid is part of its URL and must stay axond"
    if "axond_dead_relu_ratio" not in drawn[0]["targets"][0]["expr"]:
        yield f"{path}: the first panel is not the dead-ReLU ratio"
    idents = [p["id"] for p in panels(dashboard)]
    if len(set(idents)) != len(idents):
        yield f"{path}: panel ids are not unique"
    for panel in drawn:
        for fault in panel_faults(panel):
            yield f"{path}: {panel['title']}: {fault}"
    for fault in places(list(panels(dashboard))):
        yield f"{path}: {fault}"


def compose(path, prometheus):
    text = Path(path).read_text()
    live = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    images = re.findall(r"^ +image: (\S+)$", live, re.M)
    services = re.findall(r"^  (\w+):\n(?:    )", live, re.M)
    if len(images) != 3 or services != ["axond", "prometheus", "grafana"]:
        yield f"{path}: three services with an image each are expected: {services} {images}"
    for image in images:
        if image != "axond" and not re.search(r":v?\d+\.\d+\.\d+$", image):
            yield f"{path}: {image} is not pinned to a version"
    mounts = re.findall(r"^ +- (\.\.?/[^:]+):(\S+)$", live, re.M)
    if len(mounts) < 3:
        yield f"{path}: mounts are not read"
    for source, target in mounts:
        if not (Path(path).parent / source).exists():
            yield f"{path}: {source} does not exist"
        if not target.endswith(":ro"):
            yield f"{path}: {source} can be written"
    for ports in re.findall(r"ports: \[(.*)\]", live):
        if not ports.startswith('"127.0.0.1:'):
            yield f"{path}: {ports} is published to other machines"
    for key in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"):
        if live.count(key) != len(services):
            yield f"{path}: {key} is not in every service"
    if '"axond:8000"' not in Path(prometheus).read_text():
        yield f"{prometheus}: does not scrape the service of {path}"


COMMANDS = {"queries": queries, "answers": answers, "metrics": metrics, "alerts": alerts, "tested": tested,
            "panels": panels_check, "compose": compose}

if __name__ == "__main__":
    offenders = list(COMMANDS[sys.argv[1]](*sys.argv[2:]))
    print("\n".join(offenders), end="\n" if offenders else "")
    sys.exit(1 if offenders else 0)
