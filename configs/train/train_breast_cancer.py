"""Train configs/models/breast-cancer: 30 measures of cell nuclei, 30-16-8-1, ReLU, ReLU, sigmoid.

Data: scikit-learn's load_breast_cancer, "Breast Cancer Wisconsin (Diagnostic)" (W. Wolberg,
O. Mangasarian, N. Street, W. Street, UCI Machine Learning Repository 1993, CC BY 4.0): 569 tumours,
class 0 malignant, class 1 benign.  An example for software, not a medical device.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer

import files
import network

# Chosen with --cross-validate; a decay of 0.3 does as well, but kills two units of hidden2.
RECIPE = network.Recipe(hidden=(16, 8), weight_decay=0.1, batch_rows=32, epochs=60)
EXAMPLE_ROW = 0  # of the held-out rows
HELD_OUT_ROWS = 300  # as many as a baseline needs; more than half of the data set


def normalisation(x):
    """-> scale, offset as config.json holds them: x * scale + offset has mean 0, deviation 1"""
    scale = files.shortest_float32(1 / x.std(axis=0))
    offset = files.shortest_float32(-x.mean(axis=0) / x.std(axis=0))
    return np.array(scale), np.array(offset)


def prepare(x_fit, y_fit, x_check):
    scale, offset = normalisation(x_fit)
    return x_fit * scale + offset, y_fit, x_check * scale + offset


def config(scale, offset):
    """Tensors named as PyTorch's nn.Sequential(Linear, ReLU, Linear, ReLU, Linear) names them."""
    names, units = ("hidden1", "hidden2", "output"), (*RECIPE.hidden, 1)
    activations = ("relu", "relu", "sigmoid")
    return {
        "task": "binary",
        "input": {
            "name": "measures",
            "features": 30,
            "scale": scale.tolist(),
            "offset": offset.tolist(),
        },
        "layers": [
            {
                "name": n,
                "units": u,
                "activation": a,
                "weight": f"{2 * i}.weight",
                "bias": f"{2 * i}.bias",
            }
            for i, (n, u, a) in enumerate(zip(names, units, activations))
        ],
        "output": {"name": "probability", "labels": ["malignant", "benign"]},
    }


def tensors(net):
    named = {}
    for i, (weight, bias) in enumerate(network.dense_layers(net)):
        named[f"{2 * i}.weight"], named[f"{2 * i}.bias"] = weight, bias
    return named


def main():
    options = files.arguments(__doc__)
    x, x_held_out, y, y_held_out = network.split(
        *load_breast_cancer(return_X_y=True), HELD_OUT_ROWS
    )
    if options.cross_validate:
        print(f"breast-cancer: {RECIPE}: {network.cross_validate(prepare, RECIPE, x, y):.4f}")
        return
    x_fit, y_fit, x_check = prepare(x, y, x_held_out)
    net = network.fit(RECIPE, x_fit, y_fit)
    network.round_to_float32(net)
    network.print_report("breast-cancer", net, x_check, y_held_out)

    rows, labels = x_held_out.tolist(), y_held_out.tolist()
    expected = net.predict_proba(x_check)[:, 1:]  # of class 1; class 0 is the rest
    golden = sorted(i for c in (0, 1) for i in np.flatnonzero(y_held_out == c)[:4].tolist())
    files.write_model(
        options.into,
        "breast-cancer",
        config(*normalisation(x)),
        tensors(net),
        [rows[i] for i in golden],
        expected[golden],
        "train_breast_cancer.py",
    )
    files.write_held_out(
        options.into, "breast-cancer", rows, labels, expected, network.relu_health(net, x_check)
    )
    files.write_picture(options.into / "configs/examples/tumour.json", rows[EXAMPLE_ROW], 10)


if __name__ == "__main__":
    main()
