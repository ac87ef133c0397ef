#!/usr/bin/env python3
"""torch_golden.py - what PyTorch's autograd says of activations, losses and networks.

Writes tests/data/torch/*.txt, which the unit tests read without PyTorch. Inputs are floats (so the C side reads the
very same numbers), everything computed from them is in double. Run by `make torch-golden` with Debian's python3-torch.

A file is a list of cases: a line `case NAME`, then lines `KEY COUNT NUMBERS`, as tests/oracle/records.h reads them.
"""
import math
import os
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "torch")


def number(value):
    return "%.10g" % value


def floats(tensor):
    """Round to float32 and stay in double: what the C side will read."""
    return tensor.to(torch.float32).to(torch.float64)


class File:
    def __init__(self, name):
        self.file = open(os.path.join(DATA, name), "w", encoding="ascii")
        self.file.write("# written by tests/oracle/torch_golden.py with PyTorch %s\n" % torch.__version__)

    def case(self, name, **arrays):
        self.file.write("case %s\n" % name)
        for key, value in arrays.items():
            flat = torch.as_tensor(value, dtype=torch.float64).reshape(-1).tolist()
            self.file.write(" ".join([key, str(len(flat))] + [number(x) for x in flat]) + "\n")


# ---- activations: name -> function of x and the parameters' values, in the order of activation.def ----

def f32(value):
    return floats(torch.tensor(value, dtype=torch.float64)).item()


def xielu(x, p=f32(0.8), n=f32(0.8), beta=0.5, eps=f32(-1e-6)):
    """As transformers' XIELUActivation, after the softplus of its parameters."""
    return torch.where(x > 0, p * x * x + beta * x, (torch.expm1(x.clamp(max=eps)) - x) * n + beta * x)


def gate(f):
    return lambda x: x.chunk(2, -1)[0] * f(x.chunk(2, -1)[1])


ELEMENTWISE = {
    "identity": (lambda x: x * 1, [[]]),
    "relu": (F.relu, [[]]),
    "relu6": (F.relu6, [[]]),
    "relu2": (lambda x: F.relu(x) ** 2, [[]]),
    "clip": (lambda x, low=-3.0e38, high=3.0e38: torch.clamp(x, low, high), [[], [-0.5, 2.0]]),
    "shrink": (lambda x, b=0.0, l=0.5: torch.where(x > l, x - b, torch.where(x < -l, x + b, 0 * x)), [[], [1.5, 1.25]]),
    "leaky_relu": (lambda x, a=0.01: F.leaky_relu(x, a), [[], [0.25]]),
    "prelu": (lambda x, a=0.25: F.prelu(x, torch.tensor([a], dtype=x.dtype)), [[], [-0.5]]),
    "rrelu": (lambda x, lower=0.125, upper=1 / 3: F.rrelu(x, lower, upper, training=False), [[], [0.25, 0.5]]),
    "elu": (lambda x, a=1.0: F.elu(x, a), [[], [1.5]]),
    "selu": (lambda x, a=None, l=1.0: F.selu(x) if a is None else l * F.elu(x, a), [[], [2.0, 3.0]]),
    "celu": (lambda x, a=1.0: F.celu(x, a), [[], [2.0]]),
    "sigmoid": (torch.sigmoid, [[]]),
    "log_sigmoid": (F.logsigmoid, [[]]),
    "hard_sigmoid": (F.hardsigmoid, [[]]),
    "tanh": (torch.tanh, [[]]),
    "hard_tanh": (lambda x, low=-1.0, high=1.0: F.hardtanh(x, low, high), [[], [-0.5, 2.0]]),
    "tanh_shrink": (F.tanhshrink, [[]]),
    "softplus": (lambda x, b=1.0, t=20.0: F.softplus(x, b, t), [[], [2.0, 20.0]]),
    "softsign": (F.softsign, [[]]),
    "silu": (lambda x, b=1.0: x * torch.sigmoid(b * x), [[], [1.5]]),
    "hard_swish": (F.hardswish, [[]]),
    "gelu": (F.gelu, [[]]),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), [[]]),
    "quick_gelu": (lambda x: x * torch.sigmoid(1.702 * x), [[]]),
    "mish": (F.mish, [[]]),
    "hard_shrink": (lambda x, l=0.5: F.hardshrink(x, l), [[], [1.25]]),
    "soft_shrink": (lambda x, l=0.5: F.softshrink(x, l), [[], [1.25]]),
    "threshold": (lambda x, t=0.0, v=0.0: F.threshold(x, t, v), [[], [1.0, -2.0]]),
    "squareplus": (lambda x, b=4.0: (x + torch.sqrt(x * x + b)) / 2, [[], [1.0]]),
    "exponential": (torch.exp, [[]]),
    "scaled_tanh": (lambda x, a=f32(1.7159), b=f32(2 / 3): a * torch.tanh(b * x), [[], [-0.5, 2.0]]),
    "clipped_gelu": (lambda x, low=-10.0, high=10.0: torch.clamp(F.gelu(x), low, high), [[], [-0.125, 2.5]]),
    "laplace": (lambda x, m=f32(0.707107), s=f32(0.282095): (1 + torch.erf((x - m) / (s * math.sqrt(2)))) / 2,
                [[], [-1.0, 2.5]]),
    "xielu": (xielu, [[], [0.5, 1.5, 0.25, -0.0625]]),
}
ROWWISE = {
    "softmax": (lambda x, t=1.0: F.softmax(x / t, -1), [[], [2.0]]),
    "log_softmax": (lambda x, t=1.0: F.log_softmax(x / t, -1), [[]]),
    "softmin": (lambda x, t=1.0: F.softmin(x / t, -1), [[]]),
}
GATED = {
    "glu": (lambda x: F.glu(x, -1), [[]]),
    "reglu": (gate(F.relu), [[]]),
    "geglu": (gate(F.gelu), [[]]),
    "swiglu": (gate(F.silu), [[]]),
}


def activations():
    out = File("activations.txt")
    # No point lies on a kink: 0, +-0.5, +-1, 3, 6 ... and both tails are there.
    points = floats(torch.arange(-6.06, 6.5, 0.28, dtype=torch.float64))
    torch.manual_seed(1)
    for table, x in ((ELEMENTWISE, points), (ROWWISE, floats(torch.randn(4, 7, dtype=torch.float64) * 3)),
                     (GATED, floats(torch.randn(4, 8, dtype=torch.float64) * 2))):
        for name, (function, settings) in table.items():
            for params in settings:
                params = floats(torch.tensor(params, dtype=torch.float64)).tolist()
                a = x.clone().requires_grad_()
                y = function(a, *params)
                upstream = floats(torch.randn(y.shape, dtype=torch.float64))
                y.backward(upstream)
                out.case(name, params=params, length=[x.shape[-1]], x=x, y=y.detach(), upstream=upstream,
                         gradient=a.grad)


# ---- losses ----

REDUCTIONS = ["mean", "sum", "none", "batchmean"]  # as enum axon_reduction has them


def focal(x, y, alpha=0.25, gamma=2.0, reduction="mean"):
    """torchvision's sigmoid_focal_loss, which Debian does not have: its formula."""
    p = torch.sigmoid(x)
    loss = F.binary_cross_entropy_with_logits(x, y, reduction="none") * (1 - (p * y + (1 - p) * (1 - y))) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * y + (1 - alpha) * (1 - y))
    return reduced(loss, reduction)


def hinge(x, y, margin=1.0, reduction="mean"):
    return reduced(F.relu(margin - y * x), reduction)


def log_cosh(x, y, reduction="mean"):
    d = x - y
    return reduced(d + F.softplus(-2 * d, threshold=1e9) - math.log(2), reduction)


def reduced(losses, reduction):
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


class Losses:
    """Cases of one shape: [rows, outputs, *inner]."""

    def __init__(self, out, rows, outputs, inner, scale):
        self.out, self.shape, self.scale = out, (rows, outputs) + inner, scale
        self.places = (rows,) + inner
        self.sizes = {"rows": [rows], "outputs": [outputs], "inner": [math.prod(inner)]}
        self.number = 0

    def randn(self, shape=None):
        return floats(torch.randn(shape or self.shape, dtype=torch.float64) * self.scale)

    def rand(self, shape=None):
        return floats(torch.rand(shape or self.shape, dtype=torch.float64) * 0.9 + 0.05)

    def case(self, name, function, x, targets, arrays=None, options=None, recorded=None):
        """arrays: tensors among the options; recorded: what the C side calls the options, if not as PyTorch does."""
        arrays, options = arrays or {}, options or {}
        reduction = ["mean", "sum", "none"][self.number % 3]
        self.number += 1
        key = "labels" if targets.dtype == torch.int64 else "targets"
        x = x.clone().requires_grad_()
        losses = function(x, targets, reduction="none", **self.for_torch(name, arrays), **options)
        loss = function(x, targets, reduction="sum" if reduction == "none" else reduction,
                        **self.for_torch(name, arrays), **options)
        loss.backward()
        self.out.case(name, **self.sizes, input=x.detach(), **{key: targets}, **arrays,
                      **{k: [float(v)] for k, v in (options if recorded is None else recorded).items()},
                      reduction=[REDUCTIONS.index(reduction)], loss=[loss.item()], losses=losses.detach(), gradient=x.grad)

    def for_torch(self, name, arrays):
        """PyTorch's elementwise losses broadcast from the last dimension, ours have classes at 1."""
        wide = (self.shape[1],) + (1,) * (len(self.shape) - 2)
        return {{"variances": "var"}.get(k, k): v if k == "variances" or name != "binary_cross_entropy" else v.reshape(wide)
                for k, v in arrays.items()}

    def classwise(self):
        x, labels = self.randn(), torch.randint(self.shape[1], self.places)
        some = torch.where(torch.rand(self.places) < 0.3, torch.tensor(-100), labels)
        some.view(-1)[0] = 0
        weight = self.rand((self.shape[1],))
        shares = floats(F.softmax(self.randn(), 1))
        for repeat in range(3):
            self.case("cross_entropy", F.cross_entropy, x, labels)
            self.case("cross_entropy", F.cross_entropy, x, shares)
            self.case("cross_entropy", F.cross_entropy, x, some, {"weight": weight}, {"label_smoothing": 0.125})
            self.case("cross_entropy", F.cross_entropy, x, shares, {"weight": weight}, {"label_smoothing": 0.25})
            self.case("cross_entropy", F.cross_entropy, x, labels, {"weight": weight}, {"ignore_index": 1})
            self.case("nll", F.nll_loss, floats(F.log_softmax(x, 1)), some)
            self.case("nll", F.nll_loss, floats(F.log_softmax(x, 1)), labels, {"weight": weight}, {"ignore_index": 1})

    def binary(self):
        x, p, chances = self.randn(), self.rand(), self.rand()
        answers = torch.randint(2, self.shape).to(torch.float64)
        weight, pos_weight = self.rand((self.shape[1],)), self.rand((self.shape[1],)) * 3
        pos_weight = floats(pos_weight)
        probable = {"from_logits": 0}
        logits = F.binary_cross_entropy_with_logits
        self.case("binary_cross_entropy", logits, x, answers)
        self.case("binary_cross_entropy", logits, x, chances, {"weight": weight, "pos_weight": pos_weight})
        self.case("binary_cross_entropy", logits, x, answers, {"pos_weight": pos_weight})
        self.case("binary_cross_entropy", F.binary_cross_entropy, p, answers, recorded=probable)
        self.case("binary_cross_entropy", F.binary_cross_entropy, p, chances, {"weight": weight}, recorded=probable)
        self.case("focal", focal, x, answers)
        self.case("focal", focal, x, chances, options={"alpha": -1.0, "gamma": 3.5})
        self.case("hinge", hinge, x, 2 * answers - 1)
        self.case("hinge", hinge, x, 2 * answers - 1, options={"margin": 0.3})

    def distances(self):
        x, y = self.randn(), self.randn()
        for repeat in range(2):
            self.case("mse", F.mse_loss, x, y)
            self.case("l1", F.l1_loss, x, y)
            self.case("huber", F.huber_loss, x, y)
            self.case("huber", F.huber_loss, x, y, options={"delta": 2.5})
            self.case("smooth_l1", F.smooth_l1_loss, x, y)
            self.case("smooth_l1", F.smooth_l1_loss, x, y, options={"beta": 0.5 * (repeat == 0)})
            self.case("log_cosh", log_cosh, x, y)

    def likelihoods(self):
        x, y, p = floats(self.randn() / self.scale), self.rand(), self.rand()
        counts, variances = torch.randint(9, self.shape).to(torch.float64), self.rand()
        variances.view(-1)[0] = 0
        self.case("kl_div", F.kl_div, x, y)
        self.case("kl_div", F.kl_div, x, floats(torch.log(y)), options={"log_target": True})
        self.case("poisson_nll", F.poisson_nll_loss, x, counts, options={"full": True})
        self.case("poisson_nll", F.poisson_nll_loss, p, counts, options={"log_input": False, "eps": 0.01})
        self.case("poisson_nll", F.poisson_nll_loss, p, counts, options={"log_input": False, "full": True})
        self.case("gaussian_nll", F.gaussian_nll_loss, x, y, {"variances": variances})
        self.case("gaussian_nll", F.gaussian_nll_loss, x, y, {"variances": variances}, {"full": True, "eps": 0.1})


def losses():
    out = File("losses.txt")
    torch.manual_seed(2)
    for rows, outputs, inner, scale in ((1, 2, (), 1), (5, 3, (), 4), (4, 10, (), 20), (4, 1, (), 3), (2, 3, (2, 2), 2),
                                        (2, 14, (3,), 5)):
        shape = Losses(out, rows, outputs, inner, scale)
        if outputs > 1:
            shape.classwise()
        shape.binary()
        shape.distances()
        shape.likelihoods()


# ---- networks: forward, loss, every gradient ----

def network(out, name, rows, sizes, acts, loss, scaled=False):
    """loss: None (a random upstream at the outputs) or a loss whose gradient goes to the last pre-activations."""
    x = floats(torch.randn(rows, sizes[0], dtype=torch.float64)).requires_grad_()
    arrays = {"rows": [rows], "sizes": sizes, "x": x.detach()}
    h = x
    if scaled:
        scale = floats(torch.randn(sizes[0], dtype=torch.float64))
        offset = floats(torch.randn(sizes[0], dtype=torch.float64))
        arrays.update(scale=scale, offset=offset)
        h = x * scale + offset
    kept = []
    for l, act in enumerate(acts):
        w = floats(torch.randn(sizes[l + 1], sizes[l], dtype=torch.float64) / sizes[l] ** 0.5).requires_grad_()
        b = floats(torch.randn(sizes[l + 1], dtype=torch.float64) / 4).requires_grad_()
        arrays.update({"weight%d" % l: w.detach(), "bias%d" % l: b.detach()})
        pre = F.linear(h, w, b)
        slope = None
        if act == "prelu":
            slope = floats(torch.rand(sizes[l + 1], dtype=torch.float64) - 0.5).requires_grad_()
            arrays["slope%d" % l] = slope.detach()
            post = F.prelu(pre, slope)
        else:
            post = (ELEMENTWISE.get(act) or ROWWISE[act])[0](pre)
        pre.retain_grad()
        post.retain_grad()
        kept.append((w, b, slope, pre, post))
        h = post
    pre, post = kept[-1][3:]
    arrays["y"] = post.detach()
    if loss == "cross_entropy":
        arrays["labels"] = torch.randint(sizes[-1], (rows,))
        value = F.cross_entropy(pre, arrays["labels"])
    elif loss == "binary_cross_entropy":
        arrays["targets"] = torch.randint(2, (rows, sizes[-1])).to(torch.float64)
        value = F.binary_cross_entropy_with_logits(pre, arrays["targets"])
    elif loss == "mse":
        arrays["targets"] = floats(torch.randn(rows, sizes[-1], dtype=torch.float64))
        value = F.mse_loss(pre, arrays["targets"])
    else:
        arrays["upstream"] = floats(torch.randn(rows, sizes[-1], dtype=torch.float64))
        value = (post * arrays["upstream"]).sum()
    value.backward()
    arrays["loss"] = [value.item()]
    arrays["dx"] = x.grad
    for l, (w, b, slope, pre, post) in enumerate(kept):
        arrays.update({"dweight%d" % l: w.grad, "dbias%d" % l: b.grad, "dpre%d" % l: pre.grad})
        if post.grad is not None:
            arrays["dpost%d" % l] = post.grad
        if slope is not None:
            arrays["dslope%d" % l] = slope.grad
    out.case("+".join([name] + acts), **arrays)


def networks():
    out = File("networks.txt")
    torch.manual_seed(3)
    network(out, "cross_entropy", 6, [5, 7, 4], ["relu", "softmax"], "cross_entropy")
    network(out, "cross_entropy", 9, [8, 20, 17, 10], ["tanh", "leaky_relu", "softmax"], "cross_entropy", True)
    network(out, "binary_cross_entropy", 5, [6, 9, 3], ["gelu", "sigmoid"], "binary_cross_entropy")
    network(out, "binary_cross_entropy", 1, [3, 70, 1], ["silu", "sigmoid"], "binary_cross_entropy")
    network(out, "mse", 7, [4, 16, 5, 2], ["prelu", "gelu_tanh", "identity"], "mse")
    network(out, "upstream", 3, [4, 6, 5, 3], ["softmax", "tanh", "softmax"], None, True)
    network(out, "upstream", 4, [2, 130, 3], ["sigmoid", "prelu"], None)
    network(out, "upstream", 2, [6, 5, 5, 5, 5], ["elu", "mish", "softplus", "selu"], None)
    network(out, "upstream", 2, [6, 5, 5, 5, 5], ["celu", "hard_swish", "log_softmax", "softsign"], None)


if __name__ == "__main__":
    os.makedirs(DATA, exist_ok=True)
    activations()
    losses()
    networks()
    sys.exit(0)
