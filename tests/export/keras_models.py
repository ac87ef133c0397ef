#!/usr/bin/env python3
"""from_keras.py: models are trained, written, served and compared with Keras on random rows."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

import serving  # noqa: E402
from from_keras import ACTIVATIONS, Refused, export  # noqa: E402

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)


def rows_of(n):
    return (random.standard_normal((n, 4)) * 2 + 1).astype(np.float32)


def train(model, outputs):
    """A step or two: no parameter and no statistic stays what it was made."""
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
    model.fit(rows_of(64), random.standard_normal((64, outputs)), epochs=2, verbose=0)
    return model


def sequential(*steps):
    return keras.Sequential([keras.Input((4,)), *steps])


def functional():
    x = at = keras.Input((4,))
    at = layers.Dense(8)(at)
    at = layers.BatchNormalization(epsilon=0.01)(at)
    at = layers.LeakyReLU(negative_slope=0.1)(at)
    at = keras.Sequential([keras.Input((8,)), layers.Dense(5, activation="tanh")])(at)
    at = layers.Dropout(0.2)(at)
    return keras.Model(x, layers.Dense(3, activation="softmax")(at))


def networks():
    """-> name, model, options of export(), outputs"""
    every = [name for name in ACTIVATIONS if getattr(keras.activations, name, None)]
    dense = [layers.Dense(6, activation=name) for name in every]
    for i in range(0, len(dense), 4):
        yield f"activations-{i}", sequential(*dense[i : i + 4], layers.Dense(3)), {}, 3
    yield "prelu", sequential(layers.Dense(8), layers.PReLU(), layers.Dense(1)), {}, 1
    yield "prelu-1", sequential(
        layers.Dense(8), layers.PReLU(shared_axes=[1]), layers.Dense(1)), {}, 1  # fmt: skip
    yield "norm-relu", sequential(
        layers.Dense(8), layers.BatchNormalization(), layers.ReLU(),
        layers.Dense(3)), {}, 3  # fmt: skip
    yield "relu-norm", sequential(
        layers.BatchNormalization(scale=False), layers.Dense(8, "relu", use_bias=False),
        layers.BatchNormalization(center=False), layers.GaussianNoise(0.1), layers.Flatten(),
        layers.Dense(2), layers.ELU(0.5)), {}, 2  # fmt: skip
    yield "relus", sequential(
        layers.Dense(8), layers.ReLU(max_value=1.5), layers.Dense(8),
        layers.ReLU(negative_slope=0.2), layers.Dense(3), layers.Softmax()), {}, 3  # fmt: skip
    normalization = layers.Normalization(mean=[1, 2, 3, 4], variance=[4, 1, 0.25, 9])
    yield "normalised", sequential(
        normalization, layers.Rescaling(0.5, offset=0.1), layers.Dense(8, "gelu"),
        layers.Dense(1, "sigmoid")), {"labels": ["no", "yes"]}, 1  # fmt: skip
    yield "functional", functional(), {"labels": ["a", "b", "c"]}, 3


def main():
    cases = []
    for name, model, options, outputs in networks():
        train(model, outputs)
        rows = rows_of(50)
        want = model.predict(rows, verbose=0)
        cases.append((name, lambda f, m=model, o=options: export(m, f, **o), rows, want))
    logits = train(sequential(layers.Dense(1)), 1)
    rows = rows_of(50)
    want = 1 / (1 + np.exp(-logits.predict(rows, verbose=0).astype(float)))
    cases.append(("logits", lambda f: export(logits, f, probabilities=True, rows=rows), rows, want))
    refusals()
    serving.run(cases, lambda base: classes(base, cases))


def classes(base, cases):
    _, _, rows, want = next(case for case in cases if case[0] == "functional")
    reply = serving.predict(base, "functional", rows, top_k=1)
    got = [row[0]["label"] for row in reply["classes"]]
    serving.ok(got == ["abc"[i] for i in np.argmax(want, 1)], "labels are written")


def refusals():
    x = keras.Input((4,))
    residual = keras.Model(x, layers.Add()([x, layers.Dense(4)(x)]))
    two = keras.Model(x, [layers.Dense(4)(x), layers.Dense(4)(x)])
    for name, model, text in (
        ("a residual", residual, "no chain"),
        ("two outputs", two, "1 inputs and 2 outputs"),
        ("a layer norm", sequential(layers.Dense(4), layers.LayerNormalization()),
         "LayerNormalization is none of the layers that config.json has"),
        ("a function of one's own", sequential(layers.Dense(4, activation=lambda v: v * v)),
         "the activation <lambda> is none that config.json has"),
        ("a threshold", sequential(layers.Dense(4), layers.ReLU(threshold=1)),
         "ReLU with this threshold"),
        ("a model without weights", keras.Sequential([layers.Dense(4)]), "has no weights yet"),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            serving.refuses(Refused, name, lambda m=model, f=folder: export(m, Path(f) / "m"), text)


if __name__ == "__main__":
    main()
