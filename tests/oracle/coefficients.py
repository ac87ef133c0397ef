#!/usr/bin/env python3
"""Prints the constants of lib/kernels/vmath*.h and how far each approximation is from the exact
function (needs: pip install mpmath numpy). Run it to check or to change a degree; nothing runs it in the
build. Polynomials interpolate at Chebyshev nodes, the rational is a weighted least-squares fit of
the relative error (Sanathanan-Koerner iteration) refined by Lawson's weights."""
import struct

import mpmath as mp
import numpy as np

mp.mp.dps = 60


def chebyshev_nodes(lo, hi, n):
    return [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]


def interpolate(f, lo, hi, degree):
    xs = chebyshev_nodes(mp.mpf(lo), mp.mpf(hi), degree + 1)
    a = mp.matrix(degree + 1, degree + 1)
    for i, x in enumerate(xs):
        for j in range(degree + 1):
            a[i, j] = x ** j
    return list(mp.lu_solve(a, mp.matrix([f(x) for x in xs])))


def polynomial(c, x):
    return mp.polyval([mp.mpf(float(v)) for v in reversed(c)], x)


def show(name, c):
    print(f"{name}:")
    for v in c:
        print(f"    {float(v)!r},")


def worst(f, g, lo, hi, n=4001):
    return max(abs(g(x) / f(x) - 1) for x in (lo + (hi - lo) * mp.mpf(2 * k + 1) / (2 * n) for k in range(n)))


def rational(f, lo, hi, p_degree, q_degree, rounds=24, points=260):
    """p/q ~ f with q(0) = 1, minimising the largest relative error."""
    xs = chebyshev_nodes(mp.mpf(lo), mp.mpf(hi), points)
    fs = [f(x) for x in xs]
    n = p_degree + 1 + q_degree
    q_old, weight = [mp.mpf(1)] * points, [mp.mpf(1)] * points
    best, best_c = None, None
    for _ in range(rounds):
        ata, atb = mp.matrix(n, n), mp.matrix(n, 1)
        for x, fx, qo, w in zip(xs, fs, q_old, weight):
            s = w / (fx * qo)
            row = [s * x ** j for j in range(p_degree + 1)]
            row += [-s * fx * x ** j for j in range(1, q_degree + 1)]
            rhs = s * fx
            for i in range(n):
                for j in range(n):
                    ata[i, j] += row[i] * row[j]
                atb[i] += row[i] * rhs
        c = mp.lu_solve(ata, atb)
        p, q = list(c[: p_degree + 1]), [mp.mpf(1)] + list(c[p_degree + 1:])
        q_old = [mp.polyval(q[::-1], x) for x in xs]
        err = [abs(mp.polyval(p[::-1], x) / qo / fx - 1) for x, fx, qo in zip(xs, fs, q_old)]
        top = max(err)
        if best is None or top < best:
            best, best_c = top, (p, q)
        weight = [mp.sqrt(w * w * (e / top + mp.mpf("1e-3"))) for w, e in zip(weight, err)]
        m = max(weight)
        weight = [w / m for w in weight]
    return best_c


def normal_cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def normal_pdf(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def report(what, error):
    print(f"# {what}: relative error 2^{float(mp.log(error, 2)):.1f}\n")


def main():
    half = mp.log(2) / 2
    for degree in (7,):
        f = lambda r: mp.expm1(r) / r if r else mp.mpf(1)
        c = interpolate(f, -half * mp.mpf("1.0001"), half * mp.mpf("1.0001"), degree)
        show(f"expm1(r)/r, degree {degree}", c)
        report("expm1", worst(f, lambda r: polynomial(c, r), -half, half))

    # lib/kernels/softmax.c
    f = lambda r: mp.expm1(r) / r if abs(r) > 1e-30 else mp.mpf(1)
    end = half * mp.mpf("1.0000001")
    c = interpolate(f, -end, end, 5)
    show("expm1(r)/r, degree 5", c)
    report("1 + r p(r)", worst(mp.exp, lambda r: 1 + r * polynomial(c, r), -end, end))
    f = lambda z: 2 * (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    end = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.000001")
    c = interpolate(f, mp.mpf("1e-12"), end, 4)
    show("(2 atanh(s) / s - 2) / s^2 over s^2, degree 4", c)
    report("2 + z p(z)", worst(lambda z: 2 + z * f(z), lambda z: 2 + z * polynomial(c, z), mp.mpf("1e-12"), end))

    tail = lambda a: normal_cdf(-a) * mp.exp(a * a / 2)
    for pd, qd in ((5, 6),):
        p, q = rational(tail, 0, 15, pd, qd)
        show("normal tail p", p)
        show("normal tail q", q)
        report(f"Phi(-a) exp(a^2/2) on [0, 15], {pd}/{qd}",
               worst(tail, lambda a: polynomial(p, a) / polynomial(q, a), 0, 15))

    gauss = lambda a: normal_cdf(-a) - a * normal_pdf(a)
    logistic = lambda a: 1 / (1 + mp.exp(a))
    silu = lambda a: logistic(a) * (1 - a * (1 - logistic(a)))
    k0, k1 = mp.sqrt(2 / mp.pi), mp.mpf("0.044715")
    u = lambda a: 2 * k0 * (a + k1 * a ** 3)
    du = lambda a: 2 * k0 * (1 + 3 * k1 * a * a)
    tanh = lambda a: logistic(u(a)) - a * du(a) * logistic(u(a)) * (1 - logistic(u(a)))
    mish = lambda a: mp.diff(lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), -a)
    for name, f, guess in (("gelu'(-a)", gauss, 0.75), ("silu'(-a)", silu, 1.28),
                           ("gelu_tanh'(-a)", tanh, 0.75), ("mish'(-a)", mish, 1.19)):
        root = mp.findroot(f, guess)
        g = lambda t: f(root + t) / t if t else mp.diff(f, root)
        width = mp.mpf(1) / 8
        c = interpolate(g, -width, width, 7)
        print(f"# {name}: root {float(root)!r}")
        show(f"{name} / (a - root)", c)
        report("near the root, |t| <= 1/8", worst(g, lambda t: polynomial(c, t), -width, width))


main()


# ---- lib/kernels/vmathf.h and smooth_exp.h: exponentials in float --------------------------------


def single(v):
    return mp.mpf(struct.unpack("f", struct.pack("f", float(v)))[0])


def minimax(f, weight, lo, hi, n, points=400):
    """n coefficients with the least max |weight (f - polynomial)| on a grid: Remez, one exchange at a time."""
    xs = chebyshev_nodes(lo, hi, points)[::-1]
    fs, ws = [f(x) for x in xs], [weight(x) for x in xs]
    ref = [round((points - 1) * (1 - mp.cos(mp.pi * k / n)) / 2) for k in range(n + 1)]
    while True:
        a = mp.matrix(n + 1, n + 1)
        for i, j in enumerate(ref):
            for k in range(n):
                a[i, k] = xs[j] ** k
            a[i, n] = (-1) ** i / ws[j]
        c = list(mp.lu_solve(a, mp.matrix([fs[j] for j in ref])))
        level = abs(c.pop())
        e = [w * (fx - mp.polyval(c[::-1], x)) for x, fx, w in zip(xs, fs, ws)]
        top = max(range(points), key=lambda j: abs(e[j]))
        if abs(e[top]) < level * mp.mpf("1.0005"):
            return c
        at, same = sum(j < top for j in ref), lambda j: mp.sign(e[j]) == mp.sign(e[top])
        if at == 0:
            ref = [top] + (ref[1:] if same(ref[0]) else ref[:-1])
        elif at > n:
            ref = (ref[:-1] if same(ref[-1]) else ref[1:]) + [top]
        else:
            ref[at if same(ref[at]) else at - 1] = top


def minimax_single(f, weight, lo, hi, n, c=()):
    """The same with coefficients that are floats: the lowest is rounded, the others are fitted again."""
    c = [mp.mpf(v) for v in c]
    while len(c) < n:
        i = len(c)
        g = lambda x: (f(x) - mp.polyval(c[::-1] or [0], x)) / x ** i
        c.append(single(minimax(g, lambda x: weight(x) * abs(x) ** i, lo, hi, n - i)[0]))
    return c


def show_single(name, c):
    print(f"{name}: " + ", ".join(float(v).hex() for v in c))


def exponentials():
    ln2, half = mp.log(2), mp.mpf("0.50025")
    show_single("log2(e), ln 2 in 9 bits, the rest", [single(1 / ln2), mp.mpf(355) / 512, single(ln2 - mp.mpf(355) / 512)])

    f = lambda r: (mp.expm1(r) - r) / r ** 2
    w = lambda r: abs(r ** 2 / mp.expm1(r))
    c = minimax_single(f, w, -half * ln2, half * ln2, 5, [0.5])
    show_single("(e^r - 1 - r) / r^2", c)
    p = lambda r: r + r ** 2 * mp.polyval(c[::-1], r)
    report("e^r - 1", worst(mp.expm1, p, -half * ln2, half * ln2, 2000))

    head = single(ln2)
    f = lambda x: (2 ** x - 1 - head * x) / x ** 2
    d = minimax_single(f, lambda x: x ** 2 / 2 ** x, -half, half, 5)
    show_single("(2^f - 1 - f ln 2) / f^2", [head] + d)
    p = lambda x: 1 + head * x + x ** 2 * mp.polyval(d[::-1], x)
    report("2^f", worst(lambda x: 2 ** x, p, -half, half, 2000))

    k0 = mp.sqrt(8 / mp.pi) / ln2
    print(f"log2(e) {float(1 / ln2)!r}, times 1.702 {float(mp.mpf('1.702') / ln2)!r}")
    print(f"gelu_tanh: K0 {float(k0)!r} (13 bits: {float(mp.nint(k0 * 2048) / 2048).hex()}), "
          f"K1 {float(k0 * mp.mpf('0.044715'))!r}")
    t = lambda x: k0 * (x + mp.mpf("0.044715") * x ** 3)
    for name, x in (("sigmoid", 18.1 / ln2), ("quick_gelu", 1.702 * 10.7 / ln2), ("gelu_tanh", t(5.177))):
        print(f"# {name}: at its upper end log2(e^t) = {float(x):.3f}, which must be above the nearest integer")
    lam = mp.mpf("1.0507009873554805")
    print(f"selu: {float(mp.floor(lam * 2 ** 23) / 2 ** 23).hex()} is the float below lambda")


exponentials()


# ---- lib/kernels/vmathf_log.h, smooth_log.h, gelu_table.h, log_table.h: logarithms (needs numpy as well) ------
# Lawson's reweighted least squares in long double on Chebyshev nodes. Coefficients become floats one
# by one, the rest fitted again; those of a rational by a search over its free factor, then over
# single steps of a float. Seeds are fixed: the output is what stands in the C.


def nodes(lo, hi, n):
    k = np.arange(n)
    return (lo + hi) / 2 + (hi - lo) / 2 * np.cos(np.pi * (2 * k + 1) / (2 * n))


def exact(f, xs):
    return np.array([np.longdouble(mp.nstr(f(mp.mpf(float(x))), 25)) for x in xs])


def least_squares(a, b):
    """Modified Gram-Schmidt, twice, since LAPACK knows no long double."""
    scale = np.sqrt((a * a).sum(0))
    q, n = a / scale, a.shape[1]
    r, x = np.zeros((n, n), np.longdouble), np.zeros(n, np.longdouble)
    for j in range(n):
        for i in list(range(j)) * 2:
            s = (q[:, i] * q[:, j]).sum()
            r[i, j] += s
            q[:, j] -= s * q[:, i]
        r[j, j] = np.sqrt((q[:, j] ** 2).sum())
        q[:, j] /= r[j, j]
    y = (q * b[:, None]).sum(0)
    for j in reversed(range(n)):
        x[j] = (y[j] - (r[j, j + 1:] * x[j + 1:]).sum()) / r[j, j]
    return x / scale


def lawson(error, solve, points, rounds):
    """The best of the fits that solve(weights) gives, by the largest error; weights grow where it is large."""
    w, best = np.ones(points, np.longdouble), None
    for _ in range(rounds):
        c = solve(w)
        e = error(c)
        if best is None or e.max() < best[0]:
            best = e.max(), c
        w = np.sqrt(w * w * (e / e.max() + np.longdouble(1e-3)))
        w /= w.max()
    return best


def fit_polynomial(f, lo, hi, degree, weight, points=400, rounds=40, floats=True):
    xs = np.longdouble(1) * nodes(lo, hi, points)
    fs, w0 = exact(f, xs), np.array([np.longdouble(float(weight(float(x)))) for x in xs])
    done = []
    while True:
        n = len(done)
        base = sum((c * xs ** i for i, c in enumerate(done)), np.zeros(points, np.longdouble))
        p = lambda c: base + sum((v * xs ** (n + i) for i, v in enumerate(c)), np.zeros(points, np.longdouble))
        if n > degree:
            return done, abs((base - fs) * w0).max()
        powers = np.stack([xs ** j for j in range(n, degree + 1)], 1)
        e, c = lawson(lambda c: abs((p(c) - fs) * w0),
                      lambda w: list(least_squares(powers * (w * w0)[:, None], (fs - base) * w * w0)), points, rounds)
        if not floats:
            return c, e
        done.append(np.longdouble(np.float32(c[0])))


def fit_rational(f, lo, hi, pd, qd, points=400, rounds=60):
    xs = np.longdouble(1) * nodes(lo, hi, points)
    fs, powers, q = exact(f, xs), np.stack([xs ** j for j in range(qd + 1)], 1), [np.ones(points, np.longdouble)]

    def solve(w):
        s = (w / (fs * q[0]))[:, None]
        c = least_squares(np.concatenate([s * powers[:, :pd + 1], -s * fs[:, None] * powers[:, 1:]], 1), s[:, 0] * fs)
        q[0] = 1 + powers[:, 1:] @ c[pd + 1:]
        return c

    error = lambda c: abs(powers[:, :pd + 1] @ c[:pd + 1] / (1 + powers[:, 1:] @ c[pd + 1:]) / fs - 1)
    c = lawson(error, solve, points, rounds)[1]
    return list(c[:pd + 1]), [np.longdouble(1)] + list(c[pd + 1:])


def step(v, rng):
    return float(np.nextafter(np.float32(v), np.float32(rng.choice([-1, 1]) * np.inf)))


def fit_nested(f, lo, hi, degree, first, factors, tries=4000, steps=30000):
    """f(x) ~ P / (l x P + first P + x N) with floats, deg P = degree, P(0) in factors."""
    p, q = fit_rational(f, lo, hi, degree, degree + 1)
    l = q[-1] / p[-1]
    n = np.array([q[j + 1] - l * p[j] - first * p[j + 1] for j in range(degree)], np.float64) / float(p[0])
    p = np.array(p, np.float64) / float(p[0])
    xs = nodes(lo, hi, 300)
    fs, powers = exact(f, xs).astype(np.float64), np.stack([xs ** j for j in range(degree + 1)])
    rounded = lambda v: np.float32(v).astype(np.float64)

    def error(l, p, n):
        top = p @ powers
        return np.max(np.abs(top / (l * xs * top + first * top + xs * (n @ powers[:degree])) / fs - 1))

    rng, best = np.random.default_rng(1), (9,)
    for _ in range(tries):
        k = rng.uniform(*factors)
        best = min(best, (error(float(np.float32(l)), rounded(p * k), rounded(n * k)), k))
    c = [float(np.float32(l)), *rounded(p * best[1]), *rounded(n * best[1])]
    e = best[0]
    for _ in range(steps):
        d = list(c)
        for _ in range(rng.integers(1, 4)):
            i = rng.integers(0, len(d))
            d[i] = step(d[i], rng)
        t = error(d[0], np.array(d[1:degree + 2]), np.array(d[degree + 2:]))
        if t < e:
            e, c = t, d
    return c[:1], c[1:degree + 2], c[degree + 2:], e


def show_floats(name, c):
    text = [f"{np.float32(v):.9g}" for v in c]
    print(f"{name}: " + ", ".join((v if "." in v or "e" in v else v + ".0") + "f" for v in text))


def near_float(f, x):
    """The one of 400 floats from x on whose f is nearest to a float (Gal's accurate tables)."""
    best, x = None, np.float32(x)
    for _ in range(400):
        v = f(mp.mpf(float(x)))
        y = float(np.float32(float(v)))
        e = abs(mp.mpf(y) - v)
        if best is None or e < best[0]:
            best = e, float(x), y
        x = np.nextafter(x, np.float32(100))
    return best[1:]


def gelu_pieces(f):
    """For each of 32 values of the last bit of the exponent but one, that bit, and the first 3 of 1 + a: centre, coefficients."""
    rows, top = [None] * 32, 0
    for j in range(32):
        lo, hi = (2.0 ** (i // 8) * (1 + i % 8 / 8) - 1 for i in (j, j + 1))
        c, c0 = near_float(f, (lo + hi) / 2) if j else (0.0, 0.0)
        slope = lambda d: (f(c + d) - c0) / d if abs(d) > 1e-12 else mp.diff(f, c)
        rest, e = fit_polynomial(slope, lo - c + 1e-9, hi - c, 4, lambda d: abs(d) / float(f(mp.mpf(c) + d)), 60, 25)
        rows[(np.float32(lo + 1).view(np.uint32) >> 20) & 31] = [c, c0] + rest
        top = max(top, e)
    for k, column in enumerate(zip(*rows)):
        show_floats(f"gelu_pieces[{k}]", column)
    report("a Phi(-a) e^(a^2/2), 32 pieces", top)


def fit_piece(f, lo, hi, degree, weight, rounds=1):
    """A polynomial whose value at 0 is the float nearest to f(0); one round of least squares, since the maximum is often that rounding."""
    c = float(np.float32(float(f(mp.mpf(0)))))
    slope = lambda r: (f(r) - c) / r
    rest, e = fit_polynomial(slope, lo, hi, degree - 1, lambda r: abs(r) * weight(r), 60, rounds)
    return [c] + rest, max(e, abs(f(mp.mpf(0)) - c) * weight(0.0))


def show_pieces(name, pieces):
    """pieces: (coefficients, error) by index mod 32."""
    for k, row in enumerate(zip(*(pieces[i][0] for i in range(32)))):
        show_floats(f"{name}[{k}]", row)
    report(name, max(p[1] for p in pieces.values()))


def reciprocal_of(f):
    return lambda r: 1 / float(f(mp.mpf(r)))


def softplus_pieces(end):
    """ln(1 + t) / 2^k, t = e^-|x| = 2^k e^r, for k = 0 ... -30; e^r from -31 on."""
    pieces = {}
    for k in range(-31, 1):
        f = (lambda r: mp.log1p(mp.exp(r + k * mp.log(2))) / mp.mpf(2) ** k) if k > -31 else mp.exp
        pieces[k & 31] = fit_piece(f, -end, end if k else 1e-9, 6, reciprocal_of(f))
    show_pieces("softplus_pieces", pieces)


def mish_pieces(end, low=-23, high=8, last=9.0):
    """mish(x) / (x s) - 1 about x = k ln 2, s = min(2^k, 1). The piece `low` is also that of all k below, the piece `high` goes on to
    `last`; their errors are shared by all whom they serve."""
    ratio = lambda x: 1 - 2 / ((mp.exp(x) + 1) ** 2 + 1)
    small = lambda r: mp.expm1(r) - mp.mpf(2.5e-8) * mp.exp(2 * r)
    mantissa = lambda x: x / 2 ** np.floor(np.log2(x))
    pieces = {low & 31: fit_piece(small, -end, end, 6, lambda r: float(mp.exp(-r)))}
    for k in range(low + 1, high + 1):
        x0, s = k * mp.log(2), mp.mpf(2) ** min(k, 0)
        f = lambda r: ratio(x0 + r) / s - 1
        if k < high:
            pieces[k & 31] = fit_piece(f, -end, end, 6, lambda r: float(s / ratio(x0 + r)))
        else:
            pieces[k & 31] = fit_polynomial(f, -end, last - float(x0), 6, lambda r: mantissa(float(x0) + r), 120, 60)
    show_pieces("mish_pieces", pieces)


def shrink_pieces(width):
    """(a - tanh a) / a^3 about a = i width."""
    series = lambda s: 1 / mp.mpf(3) - s * (mp.mpf(2) / 15 - s * (mp.mpf(17) / 315 - s * (mp.mpf(62) / 2835 - s * 1382 / 155925)))
    f = lambda a: (a - mp.tanh(a)) / a ** 3 if abs(a) > 0.01 else series(a * a)
    pieces = {}
    for i in range(32):
        g, end = lambda d: f(i * mp.mpf(width) + d), width / 2 * 1.001
        pieces[i] = fit_piece(g, -end, end, 5, reciprocal_of(g))
    show_pieces("shrink_pieces", pieces)

def logarithms():
    mp.mp.dps = 40
    half = float(mp.log(2) / 2)
    f = lambda r: (mp.exp(r) - 1 - r) / (r * r) if abs(r) > 1e-12 else mp.mpf(0.5)
    c, e = fit_polynomial(f, -half * 1.0005, half * 1.0005, 4, lambda r: r * r * float(mp.exp(-r)))
    show_floats("(e^r - 1 - r) / r^2", c)
    report("e^r", e)
    f = lambda t: (t - mp.log1p(t)) / (t * t) if t > 1e-6 else mp.mpf(0.5) - t / 3 + t * t / 4
    c, e = fit_polynomial(f, 0, 1, 8, lambda t: t * t / float(mp.log1p(t)) if t else 0)
    show_floats("(t - ln(1 + t)) / t^2", c)
    report("ln(1 + t)", e)
    f = lambda r: mp.expm1(r) / r if abs(r) > 1e-15 else mp.mpf(1)
    c, e = fit_polynomial(f, -half * 1.0001, half * 1.0001, 5, lambda r: abs(r) * float(mp.exp(-r)), floats=False)
    show("(e^r - 1) / r in double", c)
    report("e^r", e)
    tail = lambda a: normal_cdf(-a) * mp.exp(a * a / 2)
    root = lambda s: (mp.sqrt(s) - mp.tanh(mp.sqrt(s))) / (mp.sqrt(s) * s)
    for name, c in (("2 Phi(-a) e^(a^2/2)", fit_nested(lambda a: 2 * tail(a), 0, 13.5, 4, 1.0, (1.57, 1.63))),
                    ("(x - tanh x) / x^3", fit_nested(root, 1e-7, 64, 3, 3.0, (0.571, 0.58)))):
        for part, values in zip("lPN", c):
            show_floats(f"{name}, {part}", values)
        report(name, c[3])
    gelu_pieces(lambda a: 2 * a * tail(a))
    softplus_pieces(half * 1.0003)
    mish_pieces(half * 1.0003)
    shrink_pieces(9 / 32)


logarithms()


# ---- lib/kernels/logistic_table.h, tanh_table.h: the helpers of the section above -----------------


def logistic_pieces(end):
    """1 / (1 + 2^t) / 2^k = 1 / (2^-f + 2^k), t = -k - f, for k = 0 ... -30; 2^f from k = -31 on."""
    pieces = {}
    for k in range(-31, 1):
        f = lambda r: 1 / (mp.mpf(2) ** -r + (mp.mpf(2) ** k if k > -31 else 0))
        pieces[k & 31] = fit_piece(f, -end, end if k else 1e-9, 6, reciprocal_of(f))
    show_pieces("logistic_pieces", pieces)


def tanh_pieces(width):
    """tanh(i width + d) over d; that of i = 0 has no constant."""
    pieces, end = {}, width / 2 * 1.001
    for i in range(32):
        f = lambda d: mp.tanh(i * mp.mpf(width) + d)
        pieces[i] = fit_piece(f, -end if i else 1e-6, end, 6, lambda d: 1 / float(f(mp.mpf(d))) if i or d else 0.0)
    show_pieces("tanh_pieces", pieces)


logistic_pieces(0.5003)
tanh_pieces(19 / 64)
