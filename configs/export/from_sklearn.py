#!/usr/bin/env python3
"""scikit-learn: write a model's folder for axond from a fitted estimator or Pipeline.

    from from_sklearn import export
    export(pipeline, "models/wine", rows=x_train)

or  from_sklearn.py model.joblib models/wine

MLPClassifier, MLPRegressor, LogisticRegression, linear regressions (Ridge, Lasso, ..., Poisson and
Gamma), and StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler in front, folded exactly.
Needs NumPy, safetensors and scikit-learn, and nothing else of this folder.
"""

import argparse
import importlib
import inspect
import json
import os
import pickle
import re
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
from safetensors.numpy import save_file
from sklearn.base import is_classifier
from sklearn.linear_model import GammaRegressor, LogisticRegression, PoissonRegressor, SGDRegressor
from sklearn.linear_model._base import LinearModel
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVR
from sklearn.utils.validation import check_is_fitted

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


SIGMOID = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu",
           "softmax": "softmax"}  # fmt: skip


# ---- scalers: affine maps of each feature ----


def add_standard(network, scaler, where):
    scale = 1 / scaler.scale_ if scaler.scale_ is not None else 1
    network.affine(scale, -scaler.mean_ * scale if scaler.with_mean else 0, where)


def add_min_max(network, scaler, where):
    if scaler.clip:
        raise Refused(f"{where}: clip=True cuts values off, which config.json cannot say")
    network.affine(scaler.scale_, scaler.min_, where)


def add_max_abs(network, scaler, where):
    if getattr(scaler, "clip", False):
        raise Refused(f"{where}: clip=True cuts values off, which config.json cannot say")
    network.affine(1 / scaler.scale_, 0, where)


def add_robust(network, scaler, where):
    scale = 1 / scaler.scale_ if scaler.with_scaling else 1
    network.affine(scale, -scaler.center_ * scale if scaler.with_centering else 0, where)


# ---- networks and linear models ----


def add_mlp(network, mlp, where):
    """-> the names of the outputs that the estimator knows, or None"""
    layers = list(zip(mlp.coefs_, mlp.intercepts_))
    for i, (weight, bias) in enumerate(layers):
        network.dense(weight.T, bias, where)
        last = i + 1 == len(layers)
        network.activation(SIGMOID[mlp.out_activation_ if last else mlp.activation], where)
    return getattr(mlp, "classes_", None)


def add_logistic(network, model, where):
    two = len(model.classes_) <= 2
    scheme = getattr(model, "multi_class", "auto")
    if not two and (scheme == "ovr" or model.solver == "liblinear"):
        raise Refused(
            f"{where}: one-versus-rest divides the probabilities by their sum after the sigmoids,"
            " which config.json cannot say; fit it with the multinomial loss (solver lbfgs)"
        )
    factor = 2 if two and scheme == "multinomial" else 1  # softmax of [-z, z]
    network.dense(model.coef_ * factor, model.intercept_ * factor, where)
    network.activation("sigmoid" if two else "softmax", where)
    return model.classes_


def add_linear(network, model, where):
    if is_classifier(model):
        raise Refused(f"{where}: {type(model).__name__} knows no probabilities")
    coef = np.atleast_2d(model.coef_)
    network.dense(coef, np.broadcast_to(model.intercept_, (len(coef),)), where)


def add_log_linear(network, model, where):
    add_linear(network, model, where)
    network.activation("exponential", where)


STEPS = [
    (StandardScaler, add_standard),
    (MinMaxScaler, add_min_max),
    (MaxAbsScaler, add_max_abs),
    (RobustScaler, add_robust),
    (BaseMultilayerPerceptron, add_mlp),
    (LogisticRegression, add_logistic),
    ((PoissonRegressor, GammaRegressor), add_log_linear),
    ((LinearModel, SGDRegressor, LinearSVR), add_linear),
]


def steps_of(estimator, where="the model"):
    """-> (estimator, place): what is in pipelines and searches, one after the other"""
    if hasattr(estimator, "best_estimator_"):
        yield from steps_of(estimator.best_estimator_, where)
    elif isinstance(estimator, Pipeline):
        for name, step in estimator.steps:
            if step is not None and step != "passthrough":
                yield from steps_of(step, name)
    else:
        yield estimator, where


def add_step(network, step, where):
    for kind, add in STEPS:
        if isinstance(step, kind):
            check_is_fitted(step)
            return add(network, step, where)
    raise Refused(
        f"{where}: {type(step).__name__} is none of the estimators that config.json can say:"
        " MLPClassifier, MLPRegressor, LogisticRegression, linear regressions, and Standard-,"
        " MinMax-, MaxAbs- and RobustScaler in front of them"
    )


def task_of(network, estimator):
    if not is_classifier(estimator):
        return "regression"
    return guess_task(network, None)


def export(estimator, folder, *, labels=None, task=None, rows=None, version=1, tolerance=1e-5):
    """Write folder/config.json and folder/<version>/ for a fitted estimator or Pipeline.

    labels  names of the outputs; a classifier's are its classes_ unless you say otherwise
    rows    some rows as predict() takes them; without, golden rows are drawn
    -> the folder. Refused tells what config.json cannot say. The outputs are those of
    predict_proba() (for two classes the second column), or of predict() for a regression."""
    steps, classes = list(steps_of(estimator)), None
    if not hasattr(steps[0][0], "n_features_in_"):
        raise Refused(f"{steps[0][1]}: it is not fitted")
    network = Network(steps[0][0].n_features_in_)
    network.columns = getattr(steps[0][0], "feature_names_in_", None)
    for step, where in steps:
        classes = add_step(network, step, where)
    last = steps[-1][0]
    multilabel = network.finish().last() == "sigmoid" and network.width > 1
    if is_classifier(last) and labels is None and not multilabel:
        labels = list(classes)

    def predict(x):
        x = x.astype(np.float64)
        if not is_classifier(last):
            return estimator.predict(x)
        y = np.asarray(estimator.predict_proba(x))
        return y[:, 1] if network.width == 1 else y

    if rows is not None and hasattr(rows, "to_numpy"):
        rows = rows.to_numpy()
    with warnings.catch_warnings():  # golden rows have no column names
        warnings.simplefilter("ignore", UserWarning)
        return write_folder(folder, network, predict, task=task or task_of(network, last),
                            labels=labels, rows=rows, version=version,
                            tolerance=tolerance)  # fmt: skip


def load(text):
    """A file that joblib or pickle wrote: it runs code. Only your own."""
    estimator = named(text)
    if estimator is not None:
        return estimator
    try:
        return joblib.load(text)
    except (OSError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise Refused(f"{text}: {error}") from error


if __name__ == "__main__":
    main(__doc__, load, export)
