#!/usr/bin/env python3
"""PyTorch: write a model's folder for axond from a torch.nn.Module that is a chain.

    from from_torch import export
    export(model, "models/wine", labels=["no", "yes"], rows=x_train)

or  from_torch.py my_module:make_model models/wine --labels no,yes

A chain: Sequential, nested or not, or a forward() that does one step after the other: Linear,
BatchNorm1d (folded in double), every activation of torch.nn but GLU; Flatten, Dropout and Identity
are left out.  Needs NumPy, safetensors and PyTorch 1.13 or later, and nothing else of this folder.
"""

import argparse
import copy
import importlib
import inspect
import json
import operator
import os
import re
import sys
from pathlib import Path

import numpy as np
import torch
import torch.fx
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

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


def _parameters(**keys):
    """-> reads an activation's parameters off a module: ours = the module's name for it"""
    return lambda name, module: {"name": name, **{k: getattr(module, v) for k, v in keys.items()}}


def _plain(name, _):
    return name


def _gelu(_, module):
    return {"none": "gelu", "tanh": "gelu_tanh"}[getattr(module, "approximate", "none")]


def _prelu(name, module):
    slopes = module.weight.detach().double().numpy().reshape(-1)
    return {"name": name, "alpha": slopes if len(slopes) > 1 else float(slopes[0])}


def _rowwise(name, module):
    if module.dim not in (1, -1):
        raise Refused(f"{name} along dimension {module.dim}; a row is dimension 1 (or -1)")
    return name


# Every activation of the catalogue that torch.nn has.
ACTIVATIONS = {
    nn.ReLU: ("relu", _plain),
    nn.ReLU6: ("relu6", _plain),
    nn.LeakyReLU: ("leaky_relu", _parameters(alpha="negative_slope")),
    nn.PReLU: ("prelu", _prelu),
    nn.RReLU: ("rrelu", _parameters(lower="lower", upper="upper")),
    nn.ELU: ("elu", _parameters(alpha="alpha")),
    nn.SELU: ("selu", _plain),
    nn.CELU: ("celu", _parameters(alpha="alpha")),
    nn.Sigmoid: ("sigmoid", _plain),
    nn.LogSigmoid: ("log_sigmoid", _plain),
    nn.Hardsigmoid: ("hard_sigmoid", _plain),
    nn.Tanh: ("tanh", _plain),
    nn.Hardtanh: ("hard_tanh", _parameters(min="min_val", max="max_val")),
    nn.Tanhshrink: ("tanh_shrink", _plain),
    nn.Softplus: ("softplus", _parameters(beta="beta", threshold="threshold")),
    nn.Softsign: ("softsign", _plain),
    nn.SiLU: ("silu", _plain),
    nn.Hardswish: ("hard_swish", _plain),
    nn.GELU: ("gelu", _gelu),
    nn.Mish: ("mish", _plain),
    nn.Hardshrink: ("hard_shrink", _parameters(**{"lambda": "lambd"})),
    nn.Softshrink: ("soft_shrink", _parameters(**{"lambda": "lambd"})),
    nn.Threshold: ("threshold", _parameters(threshold="threshold", value="value")),
    nn.Softmax: ("softmax", _rowwise),
    nn.LogSoftmax: ("log_softmax", _rowwise),
    nn.Softmin: ("softmin", _rowwise),
}

SKIPPED = (nn.Identity, nn.Flatten, nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)

# Functions of a forward() as the module that takes the same arguments.
FUNCTIONS = {
    F.relu: nn.ReLU, torch.relu: nn.ReLU, F.relu6: nn.ReLU6, F.leaky_relu: nn.LeakyReLU,
    F.elu: nn.ELU, F.selu: nn.SELU, torch.selu: nn.SELU, F.celu: nn.CELU, F.gelu: nn.GELU,
    F.sigmoid: nn.Sigmoid, torch.sigmoid: nn.Sigmoid, F.logsigmoid: nn.LogSigmoid,
    F.hardsigmoid: nn.Hardsigmoid, F.tanh: nn.Tanh, torch.tanh: nn.Tanh, F.hardtanh: nn.Hardtanh,
    F.tanhshrink: nn.Tanhshrink, F.softplus: nn.Softplus, F.softsign: nn.Softsign,
    F.silu: nn.SiLU, F.hardswish: nn.Hardswish, F.mish: nn.Mish, F.hardshrink: nn.Hardshrink,
    F.softshrink: nn.Softshrink, F.threshold: nn.Threshold, F.softmax: nn.Softmax,
    torch.softmax: nn.Softmax, F.log_softmax: nn.LogSoftmax, torch.log_softmax: nn.LogSoftmax,
    F.softmin: nn.Softmin, F.dropout: nn.Dropout, torch.flatten: nn.Flatten,
}  # fmt: skip
METHODS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softmax": nn.Softmax,
           "log_softmax": nn.LogSoftmax, "flatten": nn.Flatten}  # fmt: skip


def add_module(network, module, where):
    kind = type(module)
    if kind is nn.Flatten and module.start_dim != 1:
        raise Refused(f"{where}: flattens from dimension {module.start_dim} on, not each row")
    if kind in SKIPPED:
        return
    if kind is nn.Linear:
        bias = None if module.bias is None else module.bias.detach().double().numpy()
        network.dense(module.weight.detach().double().numpy(), bias, where)
    elif kind is nn.BatchNorm1d:
        add_norm(network, module, where)
    elif kind in ACTIVATIONS:
        name, read = ACTIVATIONS[kind]
        network.activation(read(name, module), where)
    else:
        raise Refused(f"{where}: {kind.__name__} is none of the layers that config.json has")


def add_norm(network, norm, where):
    if norm.running_mean is None:
        raise Refused(f"{where}: track_running_stats=False normalises by the batch, not by the row")
    mean, variance = (t.detach().double().numpy() for t in (norm.running_mean, norm.running_var))
    scale = 1 / np.sqrt(variance + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.detach().double().numpy()
    bias = norm.bias.detach().double().numpy() if norm.affine else 0
    network.affine(scale, bias - mean * scale, where)


def module_of(node, modules):
    """-> the module that a step of the traced forward() is, None if it only asks for a shape"""
    where = f"forward(): {node.name}"
    arguments = [a for a in node.args[1:] if not isinstance(a, torch.fx.Node)]
    keys = {k: v for k, v in node.kwargs.items() if k not in ("input", "_stacklevel", "training")}
    if node.op == "call_module":
        return modules[node.target], node.target
    kind = (FUNCTIONS if node.op == "call_function" else METHODS).get(node.target)
    if kind is not None:
        if kind is nn.Dropout:
            return kind(), where
        if kind is nn.Flatten:
            return kind(arguments[0] if arguments else keys.get("start_dim", 0)), where
        return kind(*arguments, **{k: v for k, v in keys.items() if v is not None}), where
    if node.target in ("size", "dim") or node.target in (getattr, operator.getitem):
        return None, where
    if node.target in ("view", "reshape") and len(node.args) == 3 and -1 in node.args[1:]:
        return nn.Flatten(), where  # x.view(x.size(0), -1), x.view(-1, 784)
    raise Refused(f"{where}: {node.target} is none of the steps that config.json has")


def chain_of(model):
    """-> (module, place) in the order in which a row meets them"""
    try:
        graph = torch.fx.symbolic_trace(model).graph
    except Exception as error:  # whatever forward() does that cannot be traced
        raise Refused(f"forward() cannot be read: {error}") from error
    modules, at = dict(model.named_modules()), None
    for node in graph.nodes:
        if node.op == "placeholder":
            if at is not None:
                raise Refused("forward() takes more than one tensor")
            at = node
            continue
        if node.op == "output":
            if node.args[0] is not at:
                raise Refused("forward() returns something else than its last step")
            continue
        module, where = module_of(node, modules)
        if module is None:
            continue
        inputs = [n for n in node.all_input_nodes if n.target not in ("size", operator.getitem)]
        if inputs != [at]:
            raise Refused(f"{where}: takes something else than the step before it: no chain")
        yield module, where
        at = node


def export(model, folder, *, task=None, labels=None, rows=None, probabilities=False, version=1,
           tolerance=1e-5):  # fmt: skip
    """Write folder/config.json and folder/<version>/ for a torch.nn.Module that is a chain.

    rows           some rows as the model takes them; without, golden rows are drawn
    probabilities  the model gives logits (trained with CrossEntropyLoss or BCEWithLogitsLoss):
                   add softmax, or sigmoid for one output or the task multilabel
    -> the folder. Refused tells what config.json cannot say."""
    model = copy.deepcopy(model).cpu().eval()
    steps = list(chain_of(model))
    first = next((m for m, _ in steps if isinstance(m, (nn.Linear, nn.BatchNorm1d))), None)
    if first is None:
        raise Refused("the model has no dense layer")
    network = Network(first.in_features if isinstance(first, nn.Linear) else first.num_features)
    for module, where in steps:
        add_module(network, module, where)
    if probabilities:
        one = network.width == 1 or task == "multilabel"
        model = nn.Sequential(model, nn.Sigmoid() if one else nn.Softmax(-1))
        network.activation("sigmoid" if one else "softmax", "probabilities=True")
    kind = next((p.dtype for p in model.parameters()), torch.float32)

    def predict(x):
        with torch.no_grad():
            return model(torch.from_numpy(x).to(kind)).double().numpy()

    return write_folder(folder, network, predict, task=task, labels=labels, rows=rows,
                        version=version, tolerance=tolerance)  # fmt: skip


def load(text):
    """A file that torch.save(model) wrote: a pickle, which runs code. Only your own."""
    model = named(text)
    if model is None:
        try:
            model = torch.load(text, map_location="cpu", weights_only=False)
        except TypeError:  # before 1.13
            model = torch.load(text, map_location="cpu")
    if not isinstance(model, nn.Module):
        raise Refused(f"{text}: holds {type(model).__name__}, not a module; a state_dict does not"
                      " say what the network is: make the module and load it there")  # fmt: skip
    return model


if __name__ == "__main__":
    main(__doc__, load, export)
