"""The tests of configs/export share this: models that were exported are served, and asked.

Knows the daemon and TAP, no framework.  Invariant: no expected value comes from the exporter.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "configs/export"))
AXOND = os.environ["BIN"]
TOLERANCE = 1e-5

_count, _failed = 0, 0


def ok(passed, name, why=""):
    global _count, _failed
    _count += 1
    _failed += not passed
    print(f"{'ok' if passed else 'not ok'} {_count} - {name}", flush=True)
    if not passed:
        print(f"# {why}", flush=True)


def done():
    print(f"1..{_count}")
    sys.exit(_failed > 0)


def check_config(models):
    """-> exit status, text: of the daemon, and of the JSON Schema (Debian's python3-jsonschema)"""
    run = subprocess.run(
        [AXOND, "--models", str(models), "--check-config"], capture_output=True, text=True
    )
    schema = ["/usr/bin/python3", "-B", str(ROOT / "tests/http/config_schema.py"), "--valid"]
    valid = subprocess.run(
        [*schema, *map(str, Path(models).glob("*/config.json"))], capture_output=True, text=True
    )
    findings = re.findall(r"^model \S+ version \d+: (?!loads$).*", run.stdout, re.MULTILINE)
    # Activations are tried in hidden layers, where softmax and its kin are advised against.
    advised = findings and all(": softmax_hidden: " in line for line in findings)
    status = 0 if run.returncode == 2 and advised else run.returncode
    return status or valid.returncode, run.stdout + valid.stdout + valid.stderr


@contextlib.contextmanager
def serve(models):
    """-> the base URL of a daemon that serves the folder"""
    with tempfile.TemporaryFile("w+") as log:
        daemon = subprocess.Popen(
            [AXOND, "--listen", "127.0.0.1:0", "--models", str(models)], stderr=log
        )
        try:
            address = None
            while daemon.poll() is None and not address:
                log.seek(0)
                text = log.read()
                found = re.search(r"event=listening .*?address=(\S+)", text)
                ready = re.search(r"event=(not_)?ready", text)
                address = found.group(1) if found and ready else None
                time.sleep(0.02)
            if not address:
                raise RuntimeError(f"the daemon did not start: {text}")
            yield f"http://{address}"
        finally:
            daemon.terminate()
            daemon.wait()


def predict(base, model, rows, **more):
    """-> the reply as a dict"""
    rows = np.asarray(rows, dtype=np.float32)
    instances = [[float(str(v)) for v in row] for row in rows]
    request = urllib.request.Request(
        f"{base}/v1/models/{model}:predict",
        json.dumps({"instances": instances, **more}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return {"error": error.read().decode()}


def compare(base, name, rows, want):
    """One test: the daemon's answer to the rows is what the framework said."""
    reply = predict(base, name, rows)
    if "error" in reply:
        return ok(False, name, reply["error"])
    got, want = np.array(reply["predictions"]), np.asarray(want, dtype=np.float64)
    want = want.reshape(len(rows), -1)
    if got.shape != want.shape:
        return ok(False, name, f"shape {got.shape}, expected {want.shape}")
    error = np.max(np.abs(got - want) / np.maximum(1, np.abs(want)))
    return ok(bool(error <= TOLERANCE), f"{name} equals the framework", f"off by {error}")


def refuses(refused, name, call, text):
    """One test: call() is refused with this text."""
    try:
        call()
    except refused as refusal:
        return ok(text in str(refusal), f"{name} is refused", str(refusal))
    return ok(False, f"{name} is refused", "it was written")


def run(cases, check):
    """cases: [(name, export(folder), rows, want)]; check(base): further tests."""
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        models.mkdir()
        os.umask(0o077)
        for name, export, _, _ in cases:
            export(models / name)
        status, text = check_config(models)
        ok(status == 0, "every folder loads, golden rows and all, without a finding", text)
        modes = {(p.is_dir(), oct(p.stat().st_mode & 0o777)) for p in models.rglob("*")}
        wanted = {(True, "0o755"), (False, "0o644")}
        ok(modes == wanted, "every file is readable for all, whatever the umask is", modes)
        with serve(models) as base:
            for name, _, rows, want in cases:
                compare(base, name, rows, want)
            check(base)
    done()
