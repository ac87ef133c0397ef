"""plot.py - lines over two logarithmic axes, as SVG.

Knows nothing of what is plotted. A series is a name and points (x, y), all above 0.
"""

import math
from html import escape

WIDTH, HEIGHT = 1030, 440
LEFT, RIGHT, TOP, BOTTOM = 80, 460, 50, 60
COLOURS = ("#0b5fa5", "#888888", "#c8481e", "#8a3fa0", "#2e8540", "#b38600")
STYLE = (
    "text { font: 13px sans-serif; fill: #222 } .title { font-size: 16px; font-weight: bold }"
    " .grid { stroke: #ddd } .minor { stroke: #f1f1f1 } .frame { fill: none; stroke: #888 }"
)


def number(value):
    """10000 -> 10,000; 0.01 -> 0.01"""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _decades(values):
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return low, max(high, low + 1)


class Axis:
    """One logarithmic axis: whole decades onto [start, end] in pixels."""

    def __init__(self, values, start, end):
        self.low, self.high = _decades(values)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def majors(self):
        return [10.0**e for e in range(self.low, self.high + 1)]

    def minors(self):
        return [m * 10.0**e for e in range(self.low, self.high) for m in range(2, 10)]


def _grid(x, y):
    top, bottom, left, right = y.end, y.start, x.start, x.end
    for kind, xs, ys in (("minor", x.minors(), y.minors()), ("grid", x.majors(), y.majors())):
        for at in map(x.at, xs):
            yield f'<line class="{kind}" x1="{at}" y1="{bottom}" x2="{at}" y2="{top}"/>'
        for at in map(y.at, ys):
            yield f'<line class="{kind}" x1="{left}" y1="{at}" x2="{right}" y2="{at}"/>'
    for value in x.majors():
        yield f'<text x="{x.at(value)}" y="{bottom + 18}" text-anchor="middle">{number(value)}</text>'
    for value in y.majors():
        yield f'<text x="{left - 8}" y="{y.at(value) + 4}" text-anchor="end">{number(value)}</text>'
    yield f'<rect class="frame" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'


def _lines(series, x, y):
    for i, (name, points) in enumerate(series):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for a, b in points:
            yield f'<circle cx="{x.at(a)}" cy="{y.at(b)}" r="3" fill="{colour}"/>'
        at = TOP + 14 + 22 * i
        yield f'<rect x="{x.end + 16}" y="{at - 9}" width="12" height="4" fill="{colour}"/>'
        yield f'<text x="{x.end + 34}" y="{at}">{escape(name)}</text>'


def svg(title, x_title, y_title, series):
    """-> the text of an SVG file, or "" where there is no line to draw"""
    series = [(name, sorted(points)) for name, points in series if points]
    if all(len(points) < 2 for _, points in series):
        return ""
    x = Axis([a for _, points in series for a, _ in points], LEFT, WIDTH - RIGHT)
    y = Axis([b for _, points in series for _, b in points], HEIGHT - BOTTOM, TOP)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        *_grid(x, y),
        *_lines(series, x, y),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 16}" text-anchor="middle">'
        f"{escape(x_title)}</text>",
        f'<text transform="translate(20 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
