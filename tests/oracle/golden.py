#!/usr/bin/env python3
"""Writes golden.txt: what every elementwise activation and its derivative are, by arithmetic with 60 digits.

The oracle (long double) judges the kernels; this file judges the oracle. Independent of it: formulas of its own, and
each derivative is checked against a numerical one before a line is written. Needs mpmath: `make golden`.

    row parameter...                  as hexadecimal floats; the first block of a row has its default parameters
    x f f_rest f' f'_rest             f + f_rest is the exact value within 2^-100; at an infinite x the limit
"""
import math
import re
import struct
import sys
from pathlib import Path

from mpmath import erfc, exp, expm1, inf, isinf, log1p, mp, mpf, pi, sqrt, tanh
import mpmath

mp.dps = 60
FLT_MAX = (2 - 2**-23) * 2.0**127
WIDE = 250  # digits where a formula cancels: x - tanh x at 2^-149 loses 90 of them


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def neighbour(x, steps):
    """The float that is so many steps above x, in the order of magnitude."""
    bits = struct.unpack("<I", struct.pack("<f", x))[0]
    return struct.unpack("<f", struct.pack("<I", bits + steps))[0]


def wide(function):
    def run(*arguments):
        with mpmath.workdps(WIDE):
            return function(*arguments)

    return run


def sigma(x):
    return 1 / (1 + exp(-x)) if x > -1000 else exp(x) / (1 + exp(x))


def dsigma(x):
    return sigma(x) * sigma(-x)


def softplus(x):
    return max(x, 0) + log1p(exp(-abs(x)))


def normal(x):
    return erfc(-x / sqrt(2)) / 2


def density(x):
    return exp(-x * x / 2) / sqrt(2 * pi)


def sech2(x):
    return 1 / mpmath.cosh(x) ** 2


SELU_ALPHA, SELU_LAMBDA = mpf(1.6732632423543772), mpf(1.0507009873554805)


def gelu_tanh_inner(x):
    return sqrt(2 / pi) * (x + mpf("0.044715") * x**3)


@wide
def dgelu_tanh(x):
    u, du = gelu_tanh_inner(x), sqrt(2 / pi) * (1 + 3 * mpf("0.044715") * x**2)
    return sigma(2 * u) + x / 2 * sech2(u) * du


@wide
def dmish(x):
    return tanh(softplus(x)) + x * sech2(softplus(x)) * sigma(x)


@wide
def squareplus(x, b):
    return (x + sqrt(x * x + b)) / 2


@wide
def dsquareplus(x, b):
    return (1 + x / sqrt(x * x + b)) / 2


def clip(x, low, high):
    return min(max(x, low), high)


def leaky(x, slope):
    return x if x >= 0 else slope * x


def dleaky(x, slope):
    return 1 if x > 0 else slope


def sixth(a):
    """The float nearest to 1/6 stands for 1/6."""
    return mpf(1) / 6 if a == f32(1 / 6) else a


def constant(p, exact):
    """The float nearest to a constant of selu stands for it."""
    return exact if p == f32(float(exact)) else p


@wide
def dclipped_gelu(x, low, high):
    return normal(x) + x * density(x) if low <= x * normal(x) <= high else mpf(0)


@wide
def xielu(x, p, n, beta, eps):
    return p * x * x + beta * x if x > 0 else n * (expm1(min(x, eps)) - x) + beta * x


@wide
def dxielu(x, p, n, beta, eps):
    return 2 * p * x + beta if x > 0 else n * (expm1(x) if x <= eps else -1) + beta


def no_kinks(*_):
    return []


DEFAULT = [()]
Q = mpf("1.702")

# name: (f, f', [parameters, default first], kinks and zeros of f' as a function of the parameters)
ROWS = {
    "identity": (lambda x: x, lambda x: 1, DEFAULT, no_kinks),
    "relu": (lambda x: max(x, 0), lambda x: x > 0, DEFAULT, no_kinks),
    "relu6": (lambda x: clip(x, 0, 6), lambda x: 0 < x < 6, DEFAULT, lambda: [6]),
    "relu2": (lambda x: max(x, 0) ** 2, lambda x: 2 * max(x, 0), DEFAULT, no_kinks),
    "clip": (lambda x, low, high: min(max(x, low), high), lambda x, low, high: low <= x <= high,
             [(-FLT_MAX, FLT_MAX), (-0.3, 2.6), (0.5, -0.25)], lambda low, high: [] if high == FLT_MAX else [low, high]),
    "shrink": (lambda x, b, c: x - b if x > c else x + b if x < -c else 0, lambda x, b, c: abs(x) > c,
               [(0.0, 0.5), (1.5, 1.3)], lambda b, c: [c]),
    "leaky_relu": (leaky, dleaky, [(0.01,), (0.2,)], no_kinks),
    "prelu": (leaky, dleaky, [(0.25,), (-0.7,)], no_kinks),
    "rrelu": (lambda x, l, u: leaky(x, (l + u) / 2), lambda x, l, u: dleaky(x, (l + u) / 2),
              [(1 / 8, 1 / 3), (0.1, 0.9)], no_kinks),
    "hard_sigmoid": (lambda x, a, b: clip(sixth(a) * x + b, 0, 1),
                     lambda x, a, b: sixth(a) if 0 < sixth(a) * x + b < 1 else 0, [(1 / 6, 0.5), (0.2, 0.5)],
                     lambda a, b: [b / a, (1 - b) / a]),
    "hard_tanh": (clip, lambda x, low, high: low < x < high, [(-1.0, 1.0), (-0.3, 2.6)], lambda a, b: [a, b]),
    "hard_swish": (lambda x: x * clip(x + 3, 0, 6) / 6,
                   lambda x: 0 if x <= -3 else 1 if x >= 3 else x / 3 + mpf(1) / 2, DEFAULT, lambda: [3, 1.5]),
    "hard_shrink": (lambda x, c: x if abs(x) > c else 0, lambda x, c: abs(x) > c, [(0.5,), (1.3,)], lambda c: [c]),
    "soft_shrink": (lambda x, c: x - c if x > c else x + c if x < -c else 0, lambda x, c: abs(x) > c,
                    [(0.5,), (1.3,)], lambda c: [c]),
    "threshold": (lambda x, t, value: x if x > t else value, lambda x, t, value: x > t,
                  [(0.0, 0.0), (1.3, -20.0)], lambda t, value: [t]),
    "sparse_plus": (lambda x: 0 if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4,
                    lambda x: 0 if x <= -1 else 1 if x >= 1 else (x + 1) / 2, DEFAULT, lambda: [1]),
    "sparse_sigmoid": (lambda x: clip((x + 1) / 2, 0, 1), lambda x: mpf(-1 < x < 1) / 2, DEFAULT, lambda: [1]),
    "elu": (lambda x, a: x if x > 0 else a * expm1(x), lambda x, a: 1 if x > 0 else a * exp(x),
            [(1.0,), (0.7,)], no_kinks),
    "selu": (lambda x, a, l: constant(l, SELU_LAMBDA) * (x if x > 0 else constant(a, SELU_ALPHA) * expm1(x)),
             lambda x, a, l: constant(l, SELU_LAMBDA) * (1 if x > 0 else constant(a, SELU_ALPHA) * exp(x)),
             [(float(SELU_ALPHA), float(SELU_LAMBDA)), (2.0, 3.0)], no_kinks),
    "celu": (lambda x, a: x if x > 0 else a * expm1(x / a), lambda x, a: 1 if x > 0 else exp(x / a),
             [(1.0,), (0.3,)], no_kinks),
    "sigmoid": (sigma, dsigma, DEFAULT, no_kinks),
    "log_sigmoid": (lambda x: -softplus(-x), lambda x: sigma(-x), DEFAULT, no_kinks),
    "tanh": (tanh, sech2, DEFAULT, no_kinks),
    "tanh_shrink": (wide(lambda x: x - tanh(x)), lambda x: tanh(x) ** 2, DEFAULT, no_kinks),
    "softplus": (lambda x, b, t: x if b * x > t else softplus(b * x) / b,
                 lambda x, b, t: 1 if b * x > t else sigma(b * x), [(1.0, 20.0), (1.7, 5.0)], lambda b, t: [t / b]),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, DEFAULT, no_kinks),
    "silu": (lambda x, b: x * sigma(b * x), wide(lambda x, b: sigma(b * x) + b * x * dsigma(b * x)),
             [(1.0,), (-2.3,)], lambda b: [1.2784645427610737 / abs(b)]),
    "gelu": (lambda x: x * normal(x), wide(lambda x: normal(x) + x * density(x)), DEFAULT,
             lambda: [0.7517915246935645]),
    "gelu_tanh": (wide(lambda x: x * sigma(2 * gelu_tanh_inner(x))), dgelu_tanh, DEFAULT,
                  lambda: [0.7524614220710163]),
    "quick_gelu": (lambda x: x * sigma(Q * x), wide(lambda x: sigma(Q * x) + Q * x * dsigma(Q * x)), DEFAULT,
                   lambda: [0.751154255441289]),
    "mish": (lambda x: x * tanh(softplus(x)), dmish, DEFAULT, lambda: [1.1924312145154952]),
    "squareplus": (squareplus, dsquareplus, [(4.0,), (0.01,)], no_kinks),
    "exponential": (exp, exp, DEFAULT, no_kinks),
    "scaled_tanh": (lambda x, a, b: a * tanh(b * x), lambda x, a, b: a * b * sech2(b * x),
                    [(1.7159, 2 / 3), (-0.3, 2.7)], no_kinks),
    "clipped_gelu": (lambda x, low, high: clip(x * normal(x), low, high), dclipped_gelu, [(-10.0, 10.0), (-0.1, 2.5)],
                     lambda low, high: [0.7517915246935645, high]),
    "laplace": (lambda x, m, s: normal((x - m) / s), lambda x, m, s: density((x - m) / s) / s,
                [(0.707107, 0.282095), (-1.0, 2.5)], lambda m, s: [m]),
    "xielu": (xielu, dxielu, [(0.8, 0.8, 0.5, -1e-6), (0.3, 1.7, 0.25, 0.0)], no_kinks),
}

# Both signs of each: where results or e^x leave the floats, where implementations change their formula, and in between.
MAGNITUDES = [
    0, 2**-149, 3 * 2**-149, 2**-140, 2**-126, neighbour(2**-126, -1), 1e-30, 1e-20, 1e-15, 1e-10, 1e-7, 2**-24, 2**-12,
    0.00034527, 1e-3, 0.01, 0.0625, 0.1, 0.125, 0.2, 0.25, 0.333, 0.3466, 0.5, 0.6, 0.7, 0.9, 0.999, 1, 1.0001, 1.25,
    1.75, 2, 2.4, 2.75, 3.25, 4, 4.5, 5, 5.5, 6.5, 7, 8, 9, 9.010913, 10, 10.5, 11, 12, 13, 14, 14.2, 14.5, 15, 16,
    16.6355, 17.3287, 18.714973, 19, 20, neighbour(20, 1), 25, 30, 37, 40, 44.36, 50, 60, 75, 80, 87.33655, 88, 88.7,
    88.72283, 88.72284, 89, 92, 95, 100, 103, 103.27893, 103.97208, 104, 110, 150, 200, 360, 500, 710, 745.2, 1000, 5e3,
    1.2e4, 1e6, 1e10, 1e20, 1e30, neighbour(2**127, 0x7FFFFF),
]


def inputs(kinks):
    sizes = {f32(x) for x in MAGNITUDES} | {
        neighbour(f32(abs(kink)), step) for kink in kinks if kink for step in (-2, -1, 0, 1, 2)
    }
    return [-x for x in sorted(sizes, reverse=True)] + sorted(sizes)


def text(x):
    return re.sub(r"\.?0*p", "p", x.hex()) if x or math.copysign(1, x) < 0 else "0"


def pair(value):
    """The nearest double, and what it leaves."""
    value = mpf(value)
    if abs(value) > mpf(sys.float_info.max):
        return "inf" if value > 0 else "-inf", "0"
    high = float(value)
    return text(high), text(float(value - mpf(high)))


def limit(function, sign, parameters):
    """At an infinite x: far out, all of these have either settled or left every bound."""
    far = function(sign * mpf(10) ** 40, *parameters)
    if abs(far) == FLT_MAX:  # a bound of clip
        return far
    return mpmath.sign(far) * inf if abs(far) > 1e30 else mpf(0) if abs(far) < 1e-30 else far


def check_derivative(name, function, derivative, parameters):
    for x in (mpf(-2.1), mpf(-0.8), mpf(-0.11), mpf(0.17), mpf(0.77), mpf(2.3), mpf(19)):
        numeric, exact = mpmath.diff(lambda t: function(t, *parameters), x), mpf(derivative(x, *parameters))
        if abs(numeric - exact) > 1e-20:
            sys.exit(f"golden: {name}' at {x}: {exact}, by differences {numeric}")


def block(name, function, derivative, parameters, kinks):
    parameters = [mpf(f32(p)) for p in parameters]
    check_derivative(name, function, derivative, parameters)
    yield " ".join([name] + [text(float(p)) for p in parameters])
    for x in inputs([float(k) for k in kinks(*parameters)]):
        values = [pair(f(mpf(x), *parameters)) for f in (function, derivative)]
        yield " ".join([text(x), *values[0], *values[1]])
    for sign in (-1, 1):
        values = [limit(f, sign, parameters) for f in (function, derivative)]
        texts = [("inf" if v > 0 else "-inf", "0") if isinf(v) else pair(v) for v in values]
        yield " ".join(["inf" if sign > 0 else "-inf", *texts[0], *texts[1]])


def main():
    path = Path(__file__).with_name("golden.txt")
    with path.open("w", encoding="ascii") as out:
        print("# Written by golden.py, which says what this is: `make golden` writes it again.", file=out)
        for name, (function, derivative, settings, kinks) in ROWS.items():
            for parameters in settings:
                for line in block(name, function, derivative, parameters, kinks):
                    print(line, file=out)


if __name__ == "__main__":
    main()
