#!/usr/bin/env python3
"""from_sklearn.py: estimators are fitted, written, served and compared on random rows."""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import serving
from from_sklearn import Refused, export

warnings.simplefilter("ignore")
random = np.random.default_rng(0)
CENTRE, SPREAD = np.array([2000.0, -3.0, 0.01, 50.0]), np.array([12.0, 1.0, 0.002, 9.0])


def rows_of(n):
    """Features as they come: one with a mean far from 0, one tiny; float32 as on the wire."""
    return (CENTRE + SPREAD * random.standard_normal((n, 4))).astype(np.float32).astype(float)


x = rows_of(300)
z = (x - CENTRE) / SPREAD
real = np.sin(z @ [1, -0.5, 0.3, 0.2]) + 0.1 * z[:, 0]
pair = np.where(real > 0, "yes", "no")
three = np.array(["red", "green", "blue"])[np.digitize(real, [-0.4, 0.4])]
small = {"hidden_layer_sizes": (12, 7), "max_iter": 60, "random_state": 0}


def estimators():
    """-> name, estimator, x, y"""
    for activation in ("identity", "logistic", "tanh", "relu"):
        yield activation, MLPClassifier(activation=activation, **small), z, three
    yield "binary", make_pipeline(StandardScaler(), MLPClassifier(**small)), x, pair
    yield "minmax", make_pipeline(MinMaxScaler((-2, 3)), MLPClassifier(**small)), x, three
    yield "twice", make_pipeline(
        MinMaxScaler(), "passthrough", StandardScaler(with_std=False),
        make_pipeline(MLPRegressor(**small))), x, real  # fmt: skip
    yield "robust", make_pipeline(RobustScaler(), MLPRegressor(**small)), x, real
    yield "maxabs", make_pipeline(MaxAbsScaler(), MLPRegressor(**small)), x, real
    yield "two-outputs", MLPRegressor(**small), z, np.column_stack([real, -2 * real])
    mx, my = make_multilabel_classification(200, 4, n_classes=3, random_state=0)
    yield "multilabel", MLPClassifier(**small), mx / 20, my
    yield "search", GridSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(**small)),
        {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2), x, pair  # fmt: skip
    yield "logistic-2", make_pipeline(StandardScaler(), LogisticRegression()), x, pair
    yield "logistic-3", make_pipeline(StandardScaler(), LogisticRegression()), x, three
    yield "logistic-multinomial-2", LogisticRegression(multi_class="multinomial"), z, pair
    yield "logistic-cv", LogisticRegressionCV(cv=2, Cs=3), z, three
    yield "logistic-liblinear", LogisticRegression(solver="liblinear"), z, pair
    yield "linear", LinearRegression(), z, real
    yield "linear-2", LinearRegression(fit_intercept=False), z, np.column_stack([real, real**2])
    yield "scaled-linear", make_pipeline(StandardScaler(), LinearRegression()), x, 1e5 * real
    for kind in (Ridge, Lasso, ElasticNet, HuberRegressor, SGDRegressor):
        model = kind(alpha=0.01)
        yield kind.__name__.lower(), make_pipeline(StandardScaler(), model), x, real
    yield "poisson", PoissonRegressor(), z, np.exp(real)
    yield "gamma", GammaRegressor(), z, np.exp(real)


def answer(estimator, rows):
    if not hasattr(estimator, "predict_proba"):
        return estimator.predict(rows)
    y = np.asarray(estimator.predict_proba(rows))
    return y[:, 1] if y.shape[1] == 2 else y


def main():
    cases, wanted = [], {}
    for name, estimator, features, y in estimators():
        estimator.fit(features, y)
        rows = rows_of(50) if features is x else random.standard_normal((50, 4))
        rows = rows.astype(np.float32).astype(float)
        wanted[name] = (estimator, rows)
        given = None if name == "twice" else features
        cases.append((name, lambda f, e=estimator, g=given: export(e, f, rows=g), rows,
                      answer(estimator, rows)))  # fmt: skip
    refusals()
    command_line(wanted["binary"][0])
    columns(wanted["linear"][0])
    serving.run(cases, lambda base: classes(base, wanted))


def classes(base, wanted):
    for name in ("binary", "logistic-3", "relu"):
        estimator, rows = wanted[name]
        reply = serving.predict(base, name, rows, top_k=1)
        got = [row[0]["label"] for row in reply["classes"]]
        serving.ok(got == list(estimator.predict(rows)), f"{name}: the best label is predict()'s")


def command_line(estimator):
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(estimator, Path(folder) / "model.joblib")
        run = subprocess.run(
            [sys.executable, serving.ROOT / "configs/export/from_sklearn.py",
             Path(folder) / "model.joblib", Path(folder) / "models/m"],
            capture_output=True, text=True)  # fmt: skip
        status, text = serving.check_config(Path(folder) / "models")
        serving.ok(run.returncode == 0 and status == 0, "a joblib file, from the command line",
                   run.stderr + text)  # fmt: skip


def columns(estimator):
    """The names that fit() takes from a DataFrame."""
    estimator.feature_names_in_ = np.array(["a", "b", "c", "d"], dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        config = json.loads((export(estimator, Path(folder) / "m") / "config.json").read_text())
        serving.ok(config["input"]["columns"] == ["a", "b", "c", "d"], "columns keep their names")
        serving.ok(serving.check_config(folder)[0] == 0, "and the daemon takes them")


def refusals():
    def fitted(estimator, y=three):
        return estimator.fit(z, y)

    for name, estimator, text in (
        ("a forest", fitted(RandomForestClassifier(3)), "RandomForestClassifier is none of"),
        ("polynomials", fitted(make_pipeline(PolynomialFeatures(), LinearRegression()), real),
         "polynomialfeatures: PolynomialFeatures is none of the estimators"),
        ("clipping", fitted(make_pipeline(MinMaxScaler(clip=True), LogisticRegression())),
         "minmaxscaler: clip=True cuts values off"),
        ("one versus rest", fitted(LogisticRegression(multi_class="ovr")), "one-versus-rest"),
        ("a classifier without probabilities", fitted(RidgeClassifier()),
         "RidgeClassifier knows no probabilities"),
        ("what is not fitted", MLPClassifier(), "it is not fitted"),
        ("a scaler alone", StandardScaler().fit(z), "the model has no dense layer"),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            serving.refuses(
                Refused, name, lambda e=estimator, f=folder: export(e, Path(f) / "m"), text
            )
    with tempfile.TemporaryDirectory() as folder:
        model = fitted(LinearRegression(), real)
        place = Path(folder) / "a b"
        serving.refuses(Refused, "a bad name", lambda: export(model, place), "a model's name is")


if __name__ == "__main__":
    main()
