"""frameworks.py - run the code of a catalogue entry, as its reader would: x [rows, columns] float32 in, y out."""
import math
import warnings


class Python:
    """Statements that make y of x, after the imports."""

    def __init__(self, names, tensor):
        self.names, self.tensor = dict(names, math=math), tensor

    def run(self, code, x):
        names = dict(self.names, x=self.tensor(x))
        exec(code, names)
        return names["y"]


def pytorch():
    import torch

    return Python({"torch": torch}, torch.from_numpy)


def keras():
    import os

    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return Python({"keras": keras}, keras.ops.convert_to_tensor)


def jax():
    import jax
    import jax.numpy
    import jax.scipy.special

    return Python({"jax": jax}, jax.numpy.asarray)


def numpy():
    import numpy

    return Python({"numpy": numpy}, lambda x: x)


class Onnx:
    """The body of a graph, run by ONNX's own reference."""

    def run(self, code, x):
        import onnx.checker
        import onnx.parser
        import onnx.reference

        model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 20]>\n'
                                        f'g (float[R, C] x) => (float[R, D] y)\n{{\n{code}\n}}')
        onnx.checker.check_model(model, full_check=True)
        return onnx.reference.ReferenceEvaluator(model).run(None, {"x": x})[0]


FRAMEWORKS = {"pytorch": pytorch, "keras": keras, "jax": jax, "numpy": numpy, "onnx": Onnx}
warnings.simplefilter("ignore")  # numpy.where() computes the side that is not taken, too
