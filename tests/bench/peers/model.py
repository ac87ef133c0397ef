"""model.py - a model's folder, read as the daemon reads it, for the peers that run it.

Knows config.json (as far as bench's models use it) and safetensors; knows no framework but numpy.
Invariant: the input's scale and offset are folded into the first layer, so that no peer spends
time on them.
"""

import json
from pathlib import Path

import numpy as np

ACTIVATIONS = ("relu", "sigmoid", "softmax")


def tensors(path):
    """-> name: float32 array, of a safetensors file"""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[start + t["data_offsets"][0] : start + t["data_offsets"][1]], "<f4")
        .reshape(t["shape"])
        .copy()
        for name, t in header.items()
    }


def layers(folder):
    """-> [(weight [units, features], bias, activation), ...]"""
    config = json.loads((folder / "config.json").read_text())
    have = tensors(folder / "1" / "weights.safetensors")
    found = []
    for layer in config["layers"]:
        weight = have[layer.get("weight", layer["name"] + ".weight")]
        bias = have[layer.get("bias", layer["name"] + ".bias")]
        if layer["activation"] not in ACTIVATIONS:
            raise SystemExit(f"{folder}: no peer knows {layer['activation']}")
        if not found:
            bias = bias + weight @ np.broadcast_to(
                np.float32(config["input"].get("offset", 0)), weight.shape[1]
            )
            weight = weight * np.float32(config["input"].get("scale", 1))
        found.append((weight, bias, layer["activation"]))
    return found


def all_of(repository):
    """-> name: layers, of every model of a repository"""
    return {path.parent.name: layers(path.parent) for path in Path(repository).glob("*/config.json")}
