"""Train a small network with scikit-learn, and say how good it is on rows that training never saw.

Knows scikit-learn and numpy; knows nothing of files.  Invariant: whatever is chosen (weights,
means, cross-validated settings) is chosen from the training rows alone.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

SEED = 0
HELD_OUT = 0.25  # of the rows, if the script does not say how many


@dataclass(frozen=True)
class Recipe:
    hidden: tuple
    weight_decay: float  # scikit-learn's alpha
    batch_rows: int
    epochs: int


def split(x, y, held_out=HELD_OUT):
    """-> x_train, x_held_out, y_train, y_held_out, in the data set's own units

    Stratified: every class has its share in both parts.
    """
    return train_test_split(x, y, test_size=held_out, stratify=y, random_state=SEED)


def fit(recipe, x, y):
    """x is normalised already.  One BLAS thread: the order of additions, so the bits, are fixed."""
    network = MLPClassifier(
        recipe.hidden,
        alpha=recipe.weight_decay,
        batch_size=recipe.batch_rows,
        max_iter=recipe.epochs,
        n_iter_no_change=recipe.epochs,
        random_state=SEED,
    )
    with threadpool_limits(1), warnings.catch_warnings():
        # The number of epochs is part of the recipe; that Adam could go on is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(x, y)
    return network


def round_to_float32(network):
    """float32 is what is stored, so it is what must be measured and expected, too."""
    network.coefs_ = [w.astype(np.float32).astype(np.float64) for w in network.coefs_]
    network.intercepts_ = [b.astype(np.float32).astype(np.float64) for b in network.intercepts_]


def dense_layers(network):
    """-> [(weight [units, features], bias [units])] float32; scikit-learn has them transposed."""
    return [
        (np.ascontiguousarray(w.T, dtype=np.float32), b.astype(np.float32))
        for w, b in zip(network.coefs_, network.intercepts_)
    ]


def relu_health(network, x):
    """-> what the daemon's neuron metrics must say of the hidden layers after serving these rows"""
    layers = []
    for i, (w, b) in enumerate(zip(network.coefs_[:-1], network.intercepts_[:-1]), 1):
        x = np.maximum(x @ w + b, 0)
        layers.append(
            {
                "name": f"hidden{i}",
                "units": x.shape[1],
                "dead": int(np.sum((x == 0).all(axis=0))),
                "zero_outputs": int(np.sum(x == 0)),
            }
        )
    return layers


def cross_validate(prepare, recipe, x, y, folds=5):
    """Mean accuracy over folds of the training rows: what recipes are compared by.

    prepare(x_fit, y_fit, x_check) -> the three as the network sees them: whatever it learns
    (means, deviations) or adds (shifted copies) comes from the rows of the fit only.
    """
    accuracies = []
    for fit_rows, check_rows in StratifiedKFold(folds, shuffle=True, random_state=SEED).split(x, y):
        x_fit, y_fit, x_check = prepare(x[fit_rows], y[fit_rows], x[check_rows])
        accuracies.append(fit(recipe, x_fit, y_fit).score(x_check, y[check_rows]))
    return float(np.mean(accuracies))


def print_report(name, network, x_held_out, y_held_out):
    """x_held_out is normalised.  Only reports: nothing may be chosen by these figures."""
    right = network.predict(x_held_out) == y_held_out
    print(
        f"{name}: accuracy {right.mean():.4f} on {len(right)} held-out rows ({right.sum()} right)"
    )
    for layer in relu_health(network, x_held_out):
        print(
            f"{name}: {layer['name']}: {layer['dead']} of {layer['units']} units never fire on them"
        )
