"""models.py - the networks that are served and the bodies that are posted.

The shipped models come with rows that training never saw; the others get random weights (He's
range) from a fixed seed. Invariant: the same arguments give the same bytes.
"""

import array
import collections
import itertools
import json
import os
import random
import shutil
import struct
from pathlib import Path

from forms import FORMS

SHIPPED = Path("configs/models")
HELD_OUT = Path("tests/data")

# The kind of a row: "real" rows of the data set, or "decimals" of six digits. form: how it is asked (forms.py).
Body = collections.namedtuple("Body", "model rows kind form", defaults=("real", "predict"))
# range: of the decimals in a row
Model = collections.namedtuple("Model", "name sizes range shipped", defaults=(False,))

MODELS = {
    m.name: m
    for m in (
        Model("digits", (64, 128, 64, 10), (0, 16), True),
        Model("breast-cancer", (30, 16, 8, 1), (0, 1), True),
        Model("net784", (784, 256, 128, 10), (0, 1)),
        Model("net1024", (1024, 2048, 2048, 1000), (-1, 1)),
    )
}


def title(name):
    return "-".join(map(str, MODELS[name].sizes))


# ---- weights -------------------------------------------------------------------------------------


def _random_tensors(sizes, seed):
    draw = random.Random(seed).random
    for i, (features, units) in enumerate(zip(sizes, sizes[1:]), 1):
        limit = (6 / features) ** 0.5
        yield f"layer{i}.weight", (units, features), array.array(
            "f", (limit * (2 * draw() - 1) for _ in range(units * features))
        )
        yield f"layer{i}.bias", (units,), array.array("f", (0.1 * draw() for _ in range(units)))


def _write_safetensors(path, tensors):
    header, at, data = {}, 0, []
    for name, shape, values in tensors:
        size = 4 * len(values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
        data.append(values.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def _config(sizes, batching):
    count = len(sizes) - 1
    config = {
        "task": "multiclass",
        "input": {"name": "x", "features": sizes[0]},
        "layers": [
            {
                "name": f"layer{i}",
                "units": units,
                "activation": "relu" if i < count else "softmax",
            }
            for i, units in enumerate(sizes[1:], 1)
        ],
        "output": {"name": "y"},
    }
    return config if batching is None else {**config, "batching": batching}


def _weights_of(model, folder):
    """-> the model's weights file, made once: the largest one takes seconds"""
    path = folder / "weights" / f"{model.name}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        _write_safetensors(fresh, _random_tensors(model.sizes, model.name))
        fresh.rename(path)
    return path


def make_repository(folder, name, models, batching=None):
    """-> a model repository: shipped models as they are, the others with this batching"""
    repository = folder / name
    shutil.rmtree(repository, ignore_errors=True)
    for model in (MODELS[m] for m in models):
        at = repository / model.name
        if model.shipped:
            shutil.copytree(SHIPPED / model.name, at)
            continue
        (at / "1").mkdir(parents=True)
        (at / "config.json").write_text(json.dumps(_config(model.sizes, batching), indent=2))
        shutil.copy(_weights_of(model, folder), at / "1" / "weights.safetensors")
    return repository


# ---- bodies --------------------------------------------------------------------------------------


def _rows(body):
    model = MODELS[body.model]
    if model.shipped and body.kind == "real":
        held_out = json.loads((HELD_OUT / model.name / "heldout.json").read_text())["instances"]
        return list(itertools.islice(itertools.cycle(held_out), body.rows))
    draw, (low, high) = random.Random(body.model).uniform, model.range
    return [[round(draw(low, high), 6) for _ in range(model.sizes[0])] for _ in range(body.rows)]


def _input_name(model):
    if not model.shipped:
        return "x"
    return json.loads((SHIPPED / model.name / "config.json").read_text())["input"]["name"]


def request(body):
    """-> the bytes of a body, and the headers that its form needs"""
    return FORMS[body.form].write(_input_name(MODELS[body.model]), _rows(body))
