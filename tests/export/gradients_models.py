#!/usr/bin/env python3
""":gradients and :explain equal PyTorch's autograd to 1e-5, relative, for every activation and task.

PyTorch computes in double from the float32 weights and rows that the daemon has.  A row that stands within rounding of a
kink of an activation is left out before it is posted: there any of two derivatives is right.
"""

import json
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

import serving

sys.path.insert(0, str(serving.ROOT / "tests/oracle"))
import torch_golden  # noqa: E402 # the activations as PyTorch has them

torch.manual_seed(7)
torch.set_num_threads(1)
KINK = 1e-4  # of a value around 1
LIMIT = 1e-5


class Net:
    """A network of dense layers, its folder, and what autograd says of it."""

    def __init__(self, sizes, hidden, output, task, scaled=False, gain=1.0):
        self.sizes, self.names, self.task = sizes, [hidden] * (len(sizes) - 2) + [output], task
        self.weights = [torch.randn(b, a) * (gain / a**0.5) for a, b in zip(sizes, sizes[1:])]
        self.biases = [torch.randn(b) / 4 for b in sizes[1:]]
        self.slopes = torch.rand(max(sizes)) - 0.5  # of PReLU, a unit each
        self.scale = torch.rand(sizes[0]) + 0.5 if scaled else torch.ones(sizes[0])
        self.offset = torch.randn(sizes[0]) if scaled else torch.zeros(sizes[0])
        self.scaled = scaled

    def write(self, folder):
        layers, tensors = [], {}
        for i, (w, b, name) in enumerate(zip(self.weights, self.biases, self.names)):
            units = self.sizes[i + 1]
            act = {"name": "prelu", "alpha": f"l{i}.slope"} if name == "prelu" else name
            layers.append({"name": f"l{i}", "units": units, "activation": act})
            tensors.update({f"l{i}.weight": w.numpy(), f"l{i}.bias": b.numpy()})
            if name == "prelu":
                tensors[f"l{i}.slope"] = self.slopes[:units].numpy()
        config = {"input": {"features": self.sizes[0]}, "layers": layers, "output": {"name": "y"}}
        if self.task:
            config["task"] = self.task
        if self.scaled:
            config["input"].update(scale=self.scale.tolist(), offset=self.offset.tolist())
        (folder / "1").mkdir(parents=True)
        save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "1/weights.safetensors")
        (folder / "config.json").write_text(json.dumps(config))

    def activate(self, i, z):
        name = self.names[i]
        if name == "prelu":
            return F.prelu(z, self.slopes[: z.shape[1]].double())
        if name == "softmax":
            return F.softmax(z, 1)
        return torch_golden.ELEMENTWISE[name][0](z)

    def forward(self, x, weights, biases):
        zs, h = [], x * self.scale.double() + self.offset.double()
        for i, (w, b) in enumerate(zip(weights, biases)):
            zs.append(F.linear(h, w, b))
            h = self.activate(i, zs[-1])
        return zs, h

    def slope(self, i, z):
        z = z.detach().requires_grad_()
        return torch.autograd.grad(self.activate(i, z).sum(), z)[0]

    def rows(self, count):
        """That many rows, of which no unit stands at a kink."""
        x = torch.randn(2 * count, self.sizes[0])
        zs, _ = self.forward(x.double(), [w.double() for w in self.weights], [b.double() for b in self.biases])
        good = torch.ones(len(x), dtype=torch.bool)
        for i, z in enumerate(zs[:-1]):
            near = KINK * 0.1 * (1 + z.abs())
            good &= ((self.slope(i, z - near) - self.slope(i, z + near)).abs() < 0.01).all(1)
        assert good.sum() > count // 4, f"{self.names[0]}: {good.sum()} of {2 * count} rows"
        return x[good][:count]

    def loss(self, z, y, truth):
        if self.task == "regression" or (not self.task and self.names[-1] not in ("softmax", "sigmoid")):
            return F.mse_loss(y, truth)
        if self.task == "multilabel" or (self.sizes[-1] == 1) or (not self.task and self.names[-1] == "sigmoid"):
            return F.binary_cross_entropy_with_logits(z, truth.double().reshape(z.shape))
        return F.cross_entropy(z, truth)

    def truth(self, count, distribution=False):
        outputs = self.sizes[-1]
        if self.task == "regression" or (not self.task and self.names[-1] not in ("softmax", "sigmoid")):
            return torch.randn(count, outputs).double(), "targets"
        if self.task == "multilabel":
            return torch.rand(count, outputs).double(), "targets"
        if distribution:
            share = F.softmax(torch.randn(count, outputs), 1)
            return share.double(), "targets"
        return torch.randint(max(outputs, 2), (count,)), "labels"

    def autograd(self, x, truth):
        x = x.double().requires_grad_()
        weights = [w.double().requires_grad_() for w in self.weights]
        biases = [b.double().requires_grad_() for b in self.biases]
        zs, y = self.forward(x, weights, biases)
        for z in zs:
            z.retain_grad()
        loss = self.loss(zs[-1], y, truth)
        loss.backward()
        rms = [z.grad.pow(2).mean().sqrt().item() for z in zs]
        layers = [{
            "weight_gradient_norm": weights[i].grad.norm().item(),
            "bias_gradient_norm": biases[i].grad.norm().item(),
            "activation_gradient_norm": zs[i].grad.norm().item(),
            "derivative_mean": None if self.names[i] == "softmax" else self.slope(i, zs[i]).abs().mean().item(),
            "ratio_to_last": rms[i] / rms[-1],
        } for i in range(len(zs))]  # fmt: skip
        return {"loss": loss.item(), "layers": layers, "input_gradient": x.grad.numpy()}


def ask(base, model, body, verb="gradients"):
    request = urllib.request.Request(f"{base}/v1/models/{model}:{verb}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})  # fmt: skip
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.load(reply)


def difference(got, want):
    """-> the largest relative one over all figures; of input_gradient relative to its largest value"""
    pairs = [("loss", got["loss"], want["loss"])]
    for g, w in zip(got["layers"], want["layers"]):
        pairs += [(g["name"] + "." + key, g[key], w[key]) for key in w]
    worst = (0.0, "nothing")
    for name, g, w in pairs:
        if g is None or w is None:
            off = 0.0 if g is w else float("inf")
        else:
            off = abs(g - w) / abs(w) if w else abs(g)
        worst = max(worst, (off, name))
    if "input_gradient" in got:
        g, w = np.array(got["input_gradient"]), want["input_gradient"]
        worst = max(worst, (np.max(np.abs(g - w)) / np.max(np.abs(w)), "input_gradient"))
    return worst


def explained(base, name, net, x):
    """-> how far :explain is from input times autograd's gradient of the logit, without a baseline"""
    body = {"instances": x.double().tolist(), "top_k": net.sizes[0]}
    got = ask(base, name, body, "explain")["explanations"]
    x = x.double().requires_grad_()
    z = net.forward(x, [w.double() for w in net.weights], [b.double() for b in net.biases])[0][-1]
    classes = [row["class"] for row in got]
    score = torch.stack([-r[0] if len(r) == 1 and c == 0 else r[0 if len(r) == 1 else c] for r, c in zip(z, classes)])
    score.sum().backward()
    want = (x.grad * x).detach().numpy()
    given = np.zeros_like(want)
    for i, row in enumerate(got):
        for f in row["features"]:
            given[i, f["feature"]] = f["contribution"]
        sizes = [abs(f["contribution"]) for f in row["features"]]
        if sizes != sorted(sizes, reverse=True):
            return float("inf")
    logits = np.array([row["logit"] for row in got])
    return max(np.max(np.abs(given - want)) / np.max(np.abs(want)), np.max(np.abs(logits - score.detach().numpy())))


def networks():
    """-> name, net, rows, whether targets are distributions"""
    # e^x of e^x overflows, and x^2 of x^2 runs away: those grow from small weights.
    small = {"exponential": 0.3, "relu2": 0.5, "xielu": 0.5}
    for name in torch_golden.ELEMENTWISE:
        yield f"act-{name}", Net([6, 24, 16, 4], name, "softmax", "multiclass", gain=small.get(name, 1.3)), 40, False
    for rows in (1, 33, 1000):
        yield f"multiclass-{rows}", Net([8, 32, 16, 5], "gelu", "softmax", "multiclass", True), rows, False
        yield f"distribution-{rows}", Net([8, 32, 16, 5], "tanh", "softmax", "multiclass"), rows, True
        yield f"logits-{rows}", Net([8, 32, 5], "silu", "identity", "multiclass"), rows, False
        yield f"binary-{rows}", Net([8, 32, 16, 1], "elu", "sigmoid", "binary", True), rows, False
        yield f"binary-logit-{rows}", Net([8, 32, 1], "mish", "identity", "binary"), rows, False
        yield f"binary-two-{rows}", Net([8, 32, 2], "leaky_relu", "softmax", "binary"), rows, False
        yield f"multilabel-{rows}", Net([8, 32, 16, 6], "selu", "sigmoid", "multilabel"), rows, False
        yield f"regression-{rows}", Net([8, 32, 16, 3], "relu", "identity", "regression", True), rows, False
        yield f"regression-tanh-{rows}", Net([8, 32, 3], "softplus", "tanh", "regression"), rows, False
        yield f"no-task-{rows}", Net([8, 32, 3], "tanh", "softmax", None), rows, False
        yield f"no-hidden-layer-{rows}", Net([8, 3], "relu", "softmax", "multiclass"), rows, False
    yield "deep-sigmoid", Net([16] * 13 + [4], "sigmoid", "softmax", "multiclass"), 64, False
    yield "large-relu", Net([1024, 2048, 2048, 1000], "relu", "softmax", "multiclass", gain=1.4), 1000, False
    yield "large-gelu", Net([1024, 2048, 2048, 1000], "gelu", "softmax", "multiclass", gain=1.4), 256, False


def main():
    cases = [(name, net, net.rows(rows), distribution) for name, net, rows, distribution in networks()]
    with tempfile.TemporaryDirectory() as folder:
        for name, net, _, _ in cases:
            net.write(Path(folder) / name)
        with serving.serve(folder) as base:
            for name, net, x, distribution in cases:
                truth, key = net.truth(len(x), distribution)
                if distribution:  # as float32 has it
                    truth = truth.float().double()
                want = net.autograd(x, truth.float().double() if key == "targets" else truth)
                got = ask(base, name, {"instances": x.double().tolist(), "input_gradient": True,
                                       key: truth.float().double().tolist() if key == "targets" else truth.tolist()})  # fmt: skip
                off, where = difference(got, want)
                serving.ok(off <= LIMIT, f"{name}, {len(x)} rows: within {LIMIT:g} of autograd", f"off by {off:.2e} at {where}")
                print(f"# {off:.1e} at {where}")
                if net.task in ("binary", "multiclass", "multilabel"):
                    off = explained(base, name, net, x[:50])
                    serving.ok(off <= LIMIT, f"{name}: so is what explains its logits", f"off by {off:.2e}")
                    print(f"# {off:.1e}")
    serving.done()


if __name__ == "__main__":
    main()
