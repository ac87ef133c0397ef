#!/usr/bin/env python3
"""plot.py ADDRESS CASE - read drawings of activations as a viewer does: XML, axes, curves, legend. See t5020-plot.sh."""
import http.client
import json
import re
import sys
import xml.etree.ElementTree as ET
from urllib.parse import urlencode

SVG = "{http://www.w3.org/2000/svg}"
connection = http.client.HTTPConnection(sys.argv[1], timeout=60)


def ask(method, path, body=None):
    connection.request(method, path, body and json.dumps(body))
    reply = connection.getresponse()
    data = reply.read()
    assert reply.status == 200, f"{path}: {reply.status} {data.decode()}"
    return data


class Drawing:
    def __init__(self, name, **query):
        self.root = ET.fromstring(ask("GET", f"/v1/activations/{name}/plot.svg?{urlencode(query)}"))
        self.all = list(self.root.iter())
        self.curves = [[points(piece) for piece in re.findall(r"M[^M]+", path.get("d"))] for path in self.of("path")]
        self.entries = [text.text for text in self.of("text", "entry")]
        self.x, self.y = self.axis("x"), self.axis("y")

    def of(self, tag, name=None):
        return [e for e in self.all if e.tag == SVG + tag and (name is None or name in e.get("class", "").split())]

    def axis(self, name):
        """[(value, pixel)] of the labels"""
        shift = {"x": 0, "y": -4}[name]
        return [(float(text.text), float(text.get(name)) + shift) for text in self.of("text", name)]

    def value(self, axis, pixel):
        (v0, p0), (v1, p1) = axis[0], axis[-1]
        return v0 + (pixel - p0) * (v1 - v0) / (p1 - p0)

    def pixel(self, axis, value):
        (v0, p0), (v1, p1) = axis[0], axis[-1]
        return p0 + (value - v0) * (p1 - p0) / (v1 - v0)


def points(piece):
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", piece)]
    return list(zip(numbers[::2], numbers[1::2]))


def catalogue():
    return json.loads(ask("GET", "/v1/activations"))["activations"]


def check_frame(drawing, name):
    """No script, sizes that hold everything, round ticks at even distances."""
    width, height = float(drawing.root.get("width")), float(drawing.root.get("height"))
    assert drawing.root.get("viewBox") == f"0 0 {drawing.root.get('width')} {drawing.root.get('height')}"
    assert drawing.root.get("role") == "img" and drawing.of("title")[0].text.startswith(name) and drawing.of("desc")[0].text
    assert {e.tag for e in drawing.all} <= {SVG + t for t in "svg title desc style rect line text path".split()}
    assert not any(key.startswith("on") or "href" in key for e in drawing.all for key in e.keys())
    assert "prefers-color-scheme:dark" in drawing.of("style")[0].text
    for text in drawing.of("text"):
        assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height
    for axis in (drawing.x, drawing.y):
        assert 3 <= len(axis) <= 11, f"{len(axis)} ticks"
        steps = [b - a for (a, _), (b, _) in zip(axis, axis[1:])]
        assert re.fullmatch(r"[125]e[+-]\d+", f"{steps[0]:.0e}") and max(steps) - min(steps) < 1e-6 * abs(steps[0])
        assert all(abs(drawing.pixel(axis, v) - p) < 0.2 for v, p in axis)
    frame = drawing.of("rect", "frame")[0]
    left, top, wide, high = (float(frame.get(key)) for key in ("x", "y", "width", "height"))
    for curve in drawing.curves:
        for x, y in (point for piece in curve for point in piece):
            assert left - 0.1 <= x <= left + wide + 0.1 and top <= y <= top + high, f"({x}, {y}) is outside"


def between(piece, x):
    """y of the line at x, or None where it does not go"""
    for (x0, y0), (x1, y1) in zip(piece, piece[1:]):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0) if x1 > x0 else y1
    return None


def rows_of(kind, xs):
    """The rows that the service is asked for, at these x, and the place of x in a row."""
    if kind == "rowwise":
        return [[x, 0, 1] for x in xs], 0
    return ([[1, x] for x in xs], 1) if kind == "gated" else ([[x] for x in xs], 0)


def case_every_activation():
    """Each has one path for f and one for f', whose points are the service's values; legends name both."""
    xs = [-5.87 + 0.37 * i for i in range(32)]
    for entry in catalogue():
        name, kind = entry["name"], entry["kind"]
        drawing = Drawing(name, derivative="true")
        check_frame(drawing, name)
        assert len(drawing.curves) == 2 and drawing.entries == [name, name + "\u2032"], drawing.entries
        rows, place = rows_of(kind, xs)
        out = 3 if kind == "rowwise" else 1
        answer = json.loads(ask("POST", f"/v1/activations/{name}", {
            "data": rows, "gradient": True, "upstream": [[1] + [0] * (out - 1)] * len(xs)}))
        for curve, values in zip(drawing.curves, ([row[0] for row in answer["data"]], [row[place] for row in answer["gradient"]])):
            for x, value in zip(xs, values):
                at = drawing.pixel(drawing.x, x)
                drawn = next(y for y in (between(piece, at) for piece in curve) if y is not None)
                want = drawing.pixel(drawing.y, value)
                assert abs(drawn - want) < 0.6, f"{name}: at {x} drawn {drawn}, want {want}"


def case_jumps():
    """A function that jumps is in pieces: no line leads over the jump."""
    for name, of_f, of_slope in (("relu", 1, 2), ("hard_shrink", 3, 3), ("threshold", 1, 2), ("hardmax", 2, 1), ("sigmoid", 1, 1),
                                 ("hard_tanh", 1, 3), ("sparsemax", 1, 3), ("gelu", 1, 1)):
        drawing = Drawing(name, derivative="true", **{"from": -6, "to": 6})
        pieces = [len(curve) for curve in drawing.curves]
        assert pieces == [of_f, of_slope], f"{name}: {pieces}"
    drawing = Drawing("threshold", threshold=1, value=-2)
    (low, high) = drawing.curves[0]
    assert abs(low[-1][0] - high[0][0]) < 0.2 and abs(drawing.value(drawing.y, low[-1][1]) + 2) < 0.05
    assert abs(drawing.value(drawing.y, high[0][1]) - 1) < 0.05


def case_several():
    names = "relu gelu silu mish elu tanh sigmoid".split()
    drawing = Drawing("leaky_relu", compare=",".join(names), alpha=0.2, derivative="true")
    check_frame(drawing, "leaky_relu")
    assert len(drawing.curves) == 16
    assert drawing.entries == [n + prime for n in ["leaky_relu", *names] for prime in ("", "\u2032")]
    classes = [path.get("class") for path in drawing.of("path")]
    assert classes == [f"c{i}{d}" for i in range(8) for d in ("", " derivative")]
    swatches = [line.get("class") for line in drawing.of("line", "swatch")]
    assert swatches == ["swatch " + c for c in classes]
    assert "alpha = 0.2" in [text.text for text in drawing.of("text", "note")]
    (line,) = drawing.curves[0]
    assert abs(drawing.value(drawing.y, line[0][1]) + 1.2) < 0.02  # 0.2 * -6
    own = Drawing("elu", compare="elu", alpha=3)  # beside itself at the default
    assert [round(drawing.value(own.y, curve[0][0][1])) for curve, drawing in zip(own.curves, (own, own))] == [-3, -1]


def case_ranges():
    for low, high in ((-1e6, 1e6), (-1e-6, 1e-6), (1000, 1001), (-6, -1), (0, 90), (-0.37, 91.3), (3, 3.5)):
        for name in ("relu", "sigmoid", "exponential", "softmax", "hard_shrink"):
            drawing = Drawing(name, derivative="true", **{"from": low, "to": high})
            check_frame(drawing, name)
            assert all(low <= value <= high for value, _ in drawing.x)


globals()["case_" + sys.argv[2]]()
