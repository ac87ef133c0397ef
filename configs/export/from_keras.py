#!/usr/bin/env python3
"""Keras 3: write a model's folder for axond from a Sequential or functional model that is a chain.

    from from_keras import export
    export(model, "models/wine", labels=["no", "yes"], rows=x_train)

or  from_keras.py model.keras models/wine --labels no,yes

Dense, BatchNormalization, Normalization and Rescaling (folded in double), the activations and the
activation layers of Keras; Dropout, noise, Flatten and Identity are left out.  Any backend.
Needs NumPy, safetensors and Keras 3, and nothing else of this folder.
"""

import argparse
import importlib
import inspect
import json
import os
import re
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers
from safetensors.numpy import save_file

# ---- the folder: this part is the same text in every script here, so that each runs alone -------


class Refused(ValueError):
    """The network cannot be said in config.json; the text tells the place and the way out."""


class Network:
    """A chain of dense layers, in double. Affine maps disappear into their neighbours; what is in
    front of all layers becomes input.scale and input.offset. Everything is rounded once."""

    def __init__(self, features):
        self.features = self.width = int(features)
        self.layers = []  # {"weight" [units, features], "bias" [units] or None, "activation"}
        self.scale = self.offset = None  # [features] float32 values
        self.columns = None  # the features' names
        self.waiting = None  # (scale, shift, place) that the next dense layer takes

    def dense(self, weight, bias, where):
        weight = np.asarray(weight, dtype=np.float64)
        if weight.ndim != 2 or weight.shape[1] != self.width:
            raise Refused(f"{where}: takes {weight.shape[1:]} values, {self.width} come")
        if bias is not None:
            bias = np.asarray(bias, dtype=np.float64)
        if self.waiting:
            scale, shift, _ = self.waiting
            if not self.layers:
                scale, shift = self._normalise(scale, shift)
            bias = (0 if bias is None else bias) + weight @ shift
            weight = weight * scale
            self.waiting = None
        self.layers.append({"weight": weight, "bias": bias, "activation": None})
        self.width = weight.shape[0]

    def affine(self, scale, shift, where):
        """x * scale + shift, for each value of a row"""
        scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), (self.width,))
        shift = np.broadcast_to(np.asarray(shift, dtype=np.float64), (self.width,))
        if self.waiting:
            before, offset, _ = self.waiting
            self.waiting = (before * scale, offset * scale + shift, where)
        elif self.layers and self.layers[-1]["activation"] is None:
            last = self.layers[-1]
            last["weight"] = last["weight"] * scale[:, None]
            last["bias"] = (0 if last["bias"] is None else last["bias"] * scale) + shift
        else:
            self.waiting = (scale, shift, where)

    def activation(self, activation, where):
        """activation: a name, or {"name": ..., parameter: number or array with one per unit}"""
        name = activation["name"] if isinstance(activation, dict) else activation
        if name == "identity":
            return
        if self.waiting or not self.layers or self.layers[-1]["activation"] is not None:
            raise Refused(
                f"{where}: {name} does not stand right after a dense layer (and its batch"
                " normalization), and config.json gives each dense layer one activation"
            )
        self.layers[-1]["activation"] = activation

    def finish(self):
        if not self.layers:
            raise Refused("the model has no dense layer")
        if self.waiting:
            raise Refused(
                f"{self.waiting[2]}: after the last activation no dense layer follows that it"
                " could be folded into"
            )
        return self

    def last(self):
        """The name of the last activation."""
        activation = self.layers[-1]["activation"] or "identity"
        return activation["name"] if isinstance(activation, dict) else activation

    def _normalise(self, scale, shift):
        """Set the float32 scale and offset of config.json; -> what they lack of the exact map."""
        self.scale = scale.astype(np.float32).astype(np.float64)
        usable = np.isfinite(self.scale) & (np.abs(self.scale) > 1e-30)
        self.scale[~usable] = 1
        # From the rounded scale: then large offsets do not disagree with it.
        offset = np.divide(shift, scale, out=np.zeros(self.width), where=scale != 0) * self.scale
        self.offset = offset.astype(np.float32).astype(np.float64)
        usable &= np.isfinite(self.offset)
        self.scale[~usable], self.offset[~usable] = 1, 0
        rest = scale / self.scale
        return rest, shift - rest * self.offset


def shortest(values):
    """-> floats whose shortest text reads back to the same float32"""
    return [float(str(v)) for v in np.asarray(values, dtype=np.float32).reshape(-1)]


def guess_task(network, labels):
    """By the last activation; None: it does not say."""
    units, last = network.width, network.last()
    if last in ("softmax", "log_softmax", "softmin") and units > 1:
        return "multiclass"
    if last in ("sigmoid", "hard_sigmoid", "log_sigmoid"):
        return "binary" if units == 1 else "multilabel"
    if labels and last == "identity":
        return ("binary" if len(labels) == 2 else None) if units == 1 else "multiclass"
    return None


def sample_rows(network, count=16):
    """Rows that the first layer sees as standard normal ones."""
    rows = np.random.default_rng(0).standard_normal((count, network.features))
    if network.scale is not None:
        rows = (rows - network.offset) / network.scale
    return rows


def pick_rows(network, rows):
    """-> golden rows [n, features] float32, from the user's rows or drawn"""
    rows = sample_rows(network) if rows is None else np.asarray(rows)
    rows = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
    if rows.shape[1] != network.features:
        raise Refused(f"rows: {rows.shape[1]} values, the model takes {network.features}")
    return rows[:: max(1, len(rows) // 16)][:16]


def tensors_of(network):
    """-> the entries of "layers", and the tensors that they name by default"""
    entries, tensors = [], {}
    for i, layer in enumerate(network.layers, 1):
        name = "output" if i == len(network.layers) else f"hidden{i}"
        entry = {"name": name, "units": int(layer["weight"].shape[0])}
        activation = layer["activation"] or "identity"
        if isinstance(activation, dict):
            activation = dict(activation)
            for key, value in activation.items():
                if isinstance(value, np.ndarray):
                    tensors[f"{name}.{key}"] = value
                    activation[key] = f"{name}.{key}"
        tensors[f"{name}.weight"] = layer["weight"]
        if layer["bias"] is None:
            entry["bias"] = None
        else:
            tensors[f"{name}.bias"] = layer["bias"]
        entries.append({**entry, "activation": activation})
    # A view is stored as its memory lies, under the view's shape; so none is handed over.
    tensors = {k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items()}
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise Refused(f"{name}: holds NaN, or a number outside the range of float32")
    return entries, tensors


def config_of(network, entries, task, labels):
    config = {"task": task} if task else {}
    config["input"] = {"features": network.features}
    for key, values in (("scale", network.scale), ("offset", network.offset)):
        if values is not None:
            values = shortest(values)
            config["input"][key] = values if len(set(values)) > 1 else values[0]
    if network.columns is not None:
        config["input"]["columns"] = [str(column) for column in network.columns]
    config["layers"] = entries
    if labels:
        labels = [str(label) for label in labels]
        if len(labels) != network.width and not (len(labels) == 2 and network.width == 1):
            raise Refused(f"labels: {len(labels)} for {network.width} outputs")
        config["output"] = {"labels": labels}
    return config


def write_text(path, value):
    """One line per member and per row; renamed into place, since a daemon may be reading."""
    lines = []
    for key, member in value.items():
        if isinstance(member, list) and member and isinstance(member[0], (dict, list)):
            rows = ",\n    ".join(json.dumps(row, allow_nan=False) for row in member)
            lines.append(f"  {json.dumps(key)}: [\n    {rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(member, allow_nan=False)}")
    replace(path, lambda new: new.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8"))


def replace(path, write):
    """The daemon may run as somebody else: files are readable for all, whatever the umask is."""
    new = path.with_name(path.name + ".new")
    write(new)
    new.chmod(0o644)
    os.replace(new, path)


def write_folder(folder, network, predict, *, task, labels, rows, version, tolerance):
    """Write the model's folder; predict(rows [n, features] float32) -> what must come out."""
    folder = Path(folder)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", folder.resolve().name):
        raise Refused(f"{folder}: a model's name is 1 to 64 letters, digits, '.', '_' or '-'")
    rows = pick_rows(network.finish(), rows)
    predictions = np.asarray(predict(rows), dtype=np.float64).reshape(len(rows), -1)
    if predictions.shape[1] != network.width:
        raise Refused(f"the model gives {predictions.shape[1]} outputs, not {network.width}")
    entries, tensors = tensors_of(network)
    config = config_of(network, entries, task or guess_task(network, labels), labels)
    golden = {
        "instances": [shortest(row) for row in rows],
        "predictions": [[float(f"{p:.12g}") for p in row] for row in predictions],
        "tolerance": tolerance,
    }
    place = folder / str(int(version))
    place.mkdir(parents=True, exist_ok=True)
    for made in (place, folder):
        made.chmod(0o755)
    replace(place / "weights.safetensors", lambda new: save_file(tensors, new))
    write_text(place / "golden.json", golden)
    write_text(folder / "config.json", config)
    return folder


def main(doc, load, export):
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("model", help="a file that this framework wrote, or module:name")
    parser.add_argument("folder", type=Path, help="the model's folder, for instance models/wine")
    parser.add_argument("--task", choices=["binary", "multiclass", "multilabel", "regression"])
    parser.add_argument("--labels", help="of the outputs, with commas between them")
    parser.add_argument("--rows", type=Path, help="a .npy of rows, of which some become golden")
    parser.add_argument("--version", type=int, default=1)
    args = parser.parse_args()
    labels = args.labels.split(",") if args.labels else None
    rows = np.load(args.rows) if args.rows else None
    try:
        model = load(args.model)
        export(model, args.folder, task=args.task, labels=labels, rows=rows, version=args.version)
    except Refused as refusal:
        sys.exit(f"{Path(sys.argv[0]).name}: {refusal}")
    print(f"{args.folder}: written; axond --models {args.folder.parent} --check-config tries it")


def named(text):
    """module:name -> that object, called if it is a function; None if text is a file's name"""
    module, _, name = text.partition(":")
    if not name or Path(text).exists():
        return None
    sys.path.insert(0, os.getcwd())
    found = getattr(importlib.import_module(module), name)
    return found() if inspect.isfunction(found) else found


# ---- the end of the part that every script has --------------------------------------------------


# The activations that Keras 3 calls by name. Parameters are written out: its defaults are not everybody's. Without
# sparsemax, which in Keras up to 3.15 is no projection: of [1, 0.5, -2, 0.3] it makes zeros.
ACTIVATIONS = {
    "linear": "identity", "relu": "relu", "relu6": "relu6", "elu": {"name": "elu", "alpha": 1.0},
    "leaky_relu": {"name": "leaky_relu", "alpha": 0.2}, "selu": "selu",
    "celu": {"name": "celu", "alpha": 1.0}, "sigmoid": "sigmoid", "log_sigmoid": "log_sigmoid",
    "hard_sigmoid": {"name": "hard_sigmoid", "alpha": 1 / 6, "beta": 0.5}, "tanh": "tanh",
    "hard_tanh": {"name": "hard_tanh", "min": -1.0, "max": 1.0}, "tanh_shrink": "tanh_shrink",
    "softplus": "softplus", "softsign": "softsign", "silu": "silu", "swish": "silu",
    "hard_silu": "hard_swish", "hard_swish": "hard_swish", "gelu": "gelu", "mish": "mish",
    "hard_shrink": {"name": "hard_shrink", "lambda": 0.5},
    "soft_shrink": {"name": "soft_shrink", "lambda": 0.5},
    "squareplus": {"name": "squareplus", "b": 4.0}, "exponential": "exponential",
    "sparse_plus": "sparse_plus", "sparse_sigmoid": "sparse_sigmoid", "softmax": "softmax",
    "log_softmax": "log_softmax",
}  # fmt: skip

SKIPPED = (
    layers.InputLayer, layers.Dropout, layers.AlphaDropout, layers.GaussianDropout,
    layers.GaussianNoise, layers.ActivityRegularization, layers.Flatten, layers.Identity,
)  # fmt: skip


def array(variable):
    return np.asarray(keras.ops.convert_to_numpy(variable), dtype=np.float64)


def add_function(network, function, where):
    name = getattr(function, "__name__", str(function))
    known = getattr(keras.activations, name, None) is function or name == "linear"
    if not known or name not in ACTIVATIONS:
        raise Refused(f"{where}: the activation {name} is none that config.json has")
    network.activation(ACTIVATIONS[name], where)


def add_dense(network, layer, where):
    if getattr(layer, "quantization_mode", None):
        raise Refused(f"{where}: is quantized ({layer.quantization_mode})")
    # Keras' kernel is [features, units].
    network.dense(array(layer.kernel).T, array(layer.bias) if layer.use_bias else None, where)
    add_function(network, layer.activation, where)


def add_norm(network, layer, where):
    scale = 1 / np.sqrt(array(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * array(layer.gamma)
    shift = array(layer.beta) if layer.center else 0
    network.affine(scale, shift - array(layer.moving_mean) * scale, where)


def add_normalization(network, layer, where):
    mean, variance = array(layer.mean).reshape(-1), array(layer.variance).reshape(-1)
    scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        network.affine(1 / scale, mean, where)
    else:
        network.affine(scale, -mean * scale, where)


def add_relu(network, layer, where):
    top, slope = layer.max_value, float(layer.negative_slope)
    if layer.threshold or (top is not None and slope):
        raise Refused(f"{where}: ReLU with this threshold or slope is none that config.json has")
    if top is not None:
        activation = {"name": "hard_tanh", "min": 0.0, "max": float(top)}
    else:
        activation = {"name": "leaky_relu", "alpha": slope} if slope else "relu"
    network.activation(activation, where)


def add_prelu(network, layer, where):
    slopes = array(layer.alpha).reshape(-1)
    slopes = np.broadcast_to(slopes, (network.width,)) if len(slopes) > 1 else float(slopes[0])
    network.activation({"name": "prelu", "alpha": slopes}, where)


def add_softmax(network, layer, where):
    if layer.axis not in (-1, 1):
        raise Refused(f"{where}: softmax along axis {layer.axis}; a row is axis 1 (or -1)")
    network.activation("softmax", where)


LAYERS = {
    layers.Dense: add_dense,
    layers.Activation: lambda n, l, w: add_function(n, l.activation, w),
    layers.BatchNormalization: add_norm,
    layers.Normalization: add_normalization,
    layers.Rescaling: lambda n, l, w: n.affine(l.scale, l.offset, w),
    layers.ReLU: add_relu,
    layers.LeakyReLU: lambda n, l, w: n.activation(
        {"name": "leaky_relu", "alpha": float(l.negative_slope)}, w
    ),
    layers.ELU: lambda n, l, w: n.activation({"name": "elu", "alpha": float(l.alpha)}, w),
    layers.PReLU: add_prelu,
    layers.Softmax: add_softmax,
}


def chain_of(model, prefix=""):
    """-> (layer, place) in the order in which a row meets them"""
    at = None
    for layer in model.layers:
        where = prefix + layer.name
        if not isinstance(model, keras.Sequential):
            try:
                taken, given = layer.input, layer.output
            except (AttributeError, ValueError) as error:
                raise Refused(f"{where}: {error}") from error
            if at is not None and taken is not at:
                raise Refused(f"{where}: takes something else than the layer before it: no chain")
            at = given
        if isinstance(layer, keras.Model):
            yield from chain_of(layer, where + ".")
        else:
            yield layer, where


def add_layer(network, layer, where):
    if type(layer) in SKIPPED:
        return
    if type(layer) not in LAYERS:
        raise Refused(f"{where}: {type(layer).__name__} is none of the layers that config.json has")
    LAYERS[type(layer)](network, layer, where)


def export(model, folder, *, task=None, labels=None, rows=None, probabilities=False, version=1,
           tolerance=1e-5):  # fmt: skip
    """Write folder/config.json and folder/<version>/ for a Keras 3 model that is a chain.

    rows           some rows as the model takes them; without, golden rows are drawn
    probabilities  the model gives logits (trained with from_logits=True): add softmax, or sigmoid
                   for one output or the task multilabel
    -> the folder. Refused tells what config.json cannot say."""
    if not model.built:
        raise Refused("the model has no weights yet: give it a keras.Input, or build() it")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Refused(f"{len(model.inputs)} inputs and {len(model.outputs)} outputs: no chain")
    shape = model.inputs[0].shape[1:]
    network = Network(np.prod(shape))
    for layer, where in chain_of(model):
        add_layer(network, layer, where)
    if probabilities:
        one = network.width == 1 or task == "multilabel"
        model = keras.Sequential([model, layers.Activation("sigmoid" if one else "softmax")])
        network.activation("sigmoid" if one else "softmax", "probabilities=True")

    def predict(x):
        return model.predict(x.reshape(len(x), *shape), verbose=0)

    return write_folder(folder, network, predict, task=task, labels=labels, rows=rows,
                        version=version, tolerance=tolerance)  # fmt: skip


def load(text):
    return named(text) or keras.saving.load_model(text, compile=False)


if __name__ == "__main__":
    main(__doc__, load, export)
