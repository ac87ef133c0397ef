"""node_cases.py - the backend node tests that come with the onnx package, as plain numpy."""
import warnings

import onnx


class Case:
    """One node: operator, attributes, and what it makes of its inputs. An input that was left out is None."""

    def __init__(self, test, node, inputs, outputs):
        self.name, self.op_type = test.name, node.op_type
        self.opset = next(o.version for o in test.model.opset_import if o.domain == node.domain)
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        given = iter(inputs)
        self.inputs = [next(given) if name else None for name in node.input]
        self.outputs = outputs

    def attribute(self, name, default=None):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value


def cases(op_types):
    """Every case of these operators that is one node."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of other operators' casts
        tests = collect_testcases(None)
    for test in tests:
        nodes = test.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in op_types and not test.name.endswith("_expanded"):
            for inputs, outputs in test.data_sets:
                yield Case(test, nodes[0], inputs, outputs)
