"""parameters.py - where the parameters stand in the code of a catalogue entry.

OTHER has, by activation, other parameters and what must be written in place of the defaults: (regular expression, text),
each of which must be found. "*" is every framework that is not named by itself; None: it takes no other ones.
"""
MAX = r"(?<!-)3\.4028234663852886e\+38"

OTHER = {
    "clip": ({"min": -1.5, "max": 2.25}, {"*": [(r"-3\.4028234663852886e\+38", "-1.5"), (MAX, "2.25")]}),
    "leaky_relu": ({"alpha": 0.2}, {"*": [(r"0\.01", "0.2")]}),
    "prelu": ({"alpha": 0.7}, {"*": [(r"0\.25", "0.7")]}),
    "rrelu": ({"lower": 0.25, "upper": 0.5}, {"*": [("1 / 8", "0.25"), ("1 / 3", "0.5")],
                                              "onnx": [(r"0\.22916667", "0.375")]}),
    "elu": ({"alpha": 0.7}, {"*": [(r"1\.0", "0.7")]}),
    "selu": ({"alpha": 1.5, "lambda": 1.25}, {"*": None, "numpy": [(r"1\.6732632423543772", "1.5"), (r"1\.0507009873554805", "1.25")],
                                              "onnx": [(r"1\.6732632", "1.5"), (r"1\.050701", "1.25")]}),
    "celu": ({"alpha": 0.7}, {"*": [(r"1\.0", "0.7")]}),
    "hard_sigmoid": ({"alpha": 0.2, "beta": 0.4}, {"*": None, "onnx": [(r"0\.16666667", "0.2"), (r"0\.5", "0.4")]}),
    "hard_tanh": ({"min": -0.5, "max": 2.0}, {"*": [(r"-1\.0", "-0.5"), (r"(?<!-)1\.0", "2.0")]}),
    "scaled_tanh": ({"alpha": 2.0, "beta": 0.5}, {"*": [(r"1\.7159", "2.0"), ("2 / 3", "0.5")],
                                                  "onnx": [(r"1\.7159", "2.0"), (r"0\.6666667", "0.5")]}),
    "softplus": ({"beta": 2.5}, {"*": [(r"1 \* x", "2.5 * x"), ("/ 1", "/ 2.5")], "pytorch": [("beta=1", "beta=2.5")],
                                 "onnx": [(r"1\.0", "2.5")]}),
    "clipped_gelu": ({"min": -0.1, "max": 2.0}, {"*": [(r"-10\.0", "-0.1"), (r"(?<!-)10\.0", "2.0")]}),
    "laplace": ({"mu": -1.0, "sigma": 2.0}, {"*": [(r"0\.707107", "-1.0"), (r"0\.282095", "2.0")],
                                             "numpy": [(r"0\.707107", "-1.0"), (r"0\.282095", "2.0")]}),
    "hard_shrink": ({"lambda": 1.5}, {"*": [(r"0\.5", "1.5")]}),
    "soft_shrink": ({"lambda": 1.5}, {"*": [(r"0\.5", "1.5")]}),
    "shrink": ({"bias": 0.75, "lambd": 1.5}, {"*": [(r"0\.5", "1.5"), (r"0\.0", "0.75")]}),
    "threshold": ({"threshold": 0.5, "value": -1.0}, {"*": [(r"> 0\.0", "> 0.5"), (r"0\.0\)", "-1.0)")],
                                                      "pytorch": [(r"threshold=0\.0", "threshold=0.5"), (r"value=0\.0", "value=-1.0")],
                                                      "keras": [(r"threshold=0\.0", "threshold=0.5"), (r"value=0\.0", "value=-1.0")],
                                                      "onnx": None}),
    "squareplus": ({"b": 2.0}, {"*": [(r"\b4\b", "2")], "onnx": [(r"4\.0", "2.0")]}),
    "xielu": ({"alpha_p": 0.8, "alpha_n": 0.8, "beta": 0.25, "eps": -0.5}, {"*": [(r"0\.5", "0.25"), ("-1e-06", "-0.5")]}),
}
