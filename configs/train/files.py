"""Write a model's folder and the held-out rows that tests post, in a layout people can read.

Knows the repository's paths and the daemon's file formats; knows nothing of training.  Invariant:
the same arguments give the same bytes.
"""

import argparse
import json
import textwrap
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
TOLERANCE = 1e-5  # float32 in the daemon against float64 here, on probabilities


def arguments(doc):
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument(
        "--into",
        type=Path,
        default=ROOT,
        metavar="DIR",
        help="write below DIR instead of the repository (to compare two runs)",
    )
    parser.add_argument(
        "--cross-validate",
        action="store_true",
        help="print the accuracy by 5-fold cross-validation over the training rows, write nothing",
    )
    return parser.parse_args()


def shortest_float32(values):
    """-> floats whose shortest text reads back to the same float32"""
    return [float(str(v)) for v in np.asarray(values, dtype=np.float32)]


def probabilities(rows):
    """Ten decimals: a hundred thousand times finer than the tolerance, and no denormals."""
    return [[round(float(p), 10) for p in row] for row in rows]


def to_json(value, indent=0):
    """On one line where it fits; lists of numbers are filled, all else gets a line per member."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, (dict, list)):
        return flat
    outer, inner = " " * indent, " " * (indent + 2)
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(k)}: {to_json(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if all(isinstance(v, (int, float)) for v in value):
        text = textwrap.fill(flat[1:-1], WIDTH, initial_indent=inner, subsequent_indent=inner)
    else:
        text = ",\n".join(inner + to_json(v, indent + 2) for v in value)
    return f"[\n{text}\n{outer}]"


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def write_rows(path, key, rows, more):
    """{key: one line per row}: a diff shows which row changed"""
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    tail = "".join(f",\n{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in more.items())
    write_text(path, f'{{"{key}": [\n{lines}\n]{tail}}}')


def write_picture(path, row, columns):
    """One instance, its numbers in aligned columns: an 8x8 digit can be seen in the file."""
    texts = [json.dumps(v, allow_nan=False) for v in row]
    width = max(map(len, texts))
    lines = [
        ", ".join(t.rjust(width) for t in texts[i : i + columns])
        for i in range(0, len(texts), columns)
    ]
    write_text(path, '{"instances": [[\n  ' + ",\n  ".join(lines) + "\n]]}")


def write_model(root, name, config, tensors, golden_rows, golden_predictions, script):
    folder = root / "configs/models" / name
    members = [f"  {json.dumps(k)}: {to_json(v, 2)}" for k, v in config.items()]
    write_text(folder / "config.json", "{\n" + ",\n".join(members) + "\n}")
    version = folder / "1"
    version.mkdir(exist_ok=True)
    # One key only: safetensors writes several in random order.
    metadata = {"made_by": f"configs/train/{script}"}
    save_file(tensors, version / "weights.safetensors", metadata=metadata)
    (version / "weights.safetensors").chmod(0o644)
    expected = {"predictions": probabilities(golden_predictions), "tolerance": TOLERANCE}
    write_rows(version / "golden.json", "instances", golden_rows, expected)


def write_held_out(root, name, instances, labels, predictions, layers):
    folder = root / "tests/data" / name
    write_rows(folder / "heldout.json", "instances", instances, {})
    write_rows(folder / "expected.json", "predictions", probabilities(predictions), {})
    write_text(folder / "labels.json", textwrap.fill(json.dumps(labels), WIDTH))
    write_rows(folder / "neurons.json", "layers", layers, {"rows": len(instances)})
