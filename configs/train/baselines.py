"""Write baseline.json of the shipped models: the rows that training never saw, through the daemon.

    baselines.py build/release/axond
"""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("digits", "breast-cancer")


def read(model, name):
    return json.loads((ROOT / "tests/data" / model / name).read_text(encoding="utf-8"))


def write_baseline(axond, model):
    rows = io.BytesIO()
    np.save(rows, np.array(read(model, "heldout.json")["instances"], dtype=np.float32))
    with tempfile.NamedTemporaryFile(suffix=".npy") as labels:
        np.save(labels, np.array(read(model, "labels.json")))
        labels.flush()
        models = ROOT / "configs/models"
        command = [axond, "baseline", model, "--models", models, "--labels", labels.name]
        subprocess.run(command, input=rows.getvalue(), check=True)


if __name__ == "__main__":
    for name in MODELS:
        write_baseline(sys.argv[1], name)
