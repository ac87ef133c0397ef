"""Train configs/models/digits: 8x8 handwritten digits, 64-128-64-10, ReLU, ReLU, softmax.

Data: scikit-learn's load_digits, the test part of "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, UCI Machine Learning Repository 1998, CC BY 4.0): 1797 pictures of 8x8
counts 0..16.
"""

import numpy as np
from sklearn.datasets import load_digits

import files
import network

# The best of those compared with --cross-validate.
RECIPE = network.Recipe(hidden=(128, 64), weight_decay=0.1, batch_rows=64, epochs=80)
SCALE = 1 / 16
LAYERS = ("hidden1", "hidden2", "output")
EXAMPLE_ROW = 0  # of the held-out rows


def with_shifted_copies(x, y):
    """Each picture and its copies moved by one pixel left, right, up, down: x5 rows."""
    padded = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = ((1, 1), (1, 2), (1, 0), (2, 1), (0, 1))
    copies = [padded[:, r : r + 8, c : c + 8].reshape(-1, 64) for r, c in corners]
    return np.concatenate(copies), np.tile(y, len(corners))


def prepare(x_fit, y_fit, x_check):
    return *with_shifted_copies(x_fit * SCALE, y_fit), x_check * SCALE


def config():
    activations = ("relu", "relu", "softmax")
    units = (*RECIPE.hidden, 10)
    return {
        "task": "multiclass",
        "input": {
            "name": "pixels",
            "features": 64,
            "scale": SCALE,
            "offset": 0,
            "min": 0,
            "max": 16,
        },
        "layers": [
            {"name": n, "units": u, "activation": a} for n, u, a in zip(LAYERS, units, activations)
        ],
        "output": {"name": "probabilities", "labels": [str(d) for d in range(10)]},
    }


def tensors(net):
    """Named as config.json expects by default: <layer>.weight, <layer>.bias"""
    named = {}
    for name, (weight, bias) in zip(LAYERS, network.dense_layers(net)):
        named[f"{name}.weight"], named[f"{name}.bias"] = weight, bias
    return named


def main():
    options = files.arguments(__doc__)
    x, x_held_out, y, y_held_out = network.split(*load_digits(return_X_y=True))
    if options.cross_validate:
        print(f"digits: {RECIPE}: {network.cross_validate(prepare, RECIPE, x, y):.4f}")
        return
    x_fit, y_fit, x_check = prepare(x, y, x_held_out)
    net = network.fit(RECIPE, x_fit, y_fit)
    network.round_to_float32(net)
    network.print_report("digits", net, x_check, y_held_out)

    rows = x_held_out.astype(int).tolist()
    labels = y_held_out.tolist()
    expected = net.predict_proba(x_check)
    golden = [labels.index(digit) for digit in range(10)]
    files.write_model(
        options.into,
        "digits",
        config(),
        tensors(net),
        [rows[i] for i in golden],
        expected[golden],
        "train_digits.py",
    )
    files.write_held_out(
        options.into, "digits", rows, labels, expected, network.relu_health(net, x_check)
    )
    files.write_picture(options.into / "configs/examples/digit.json", rows[EXAMPLE_ROW], 8)


if __name__ == "__main__":
    main()
