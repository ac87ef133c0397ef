#!/usr/bin/env python3
"""Neuron health, as the service tells it, is NumPy's over what PyTorch computes on the same rows.

Knows the definitions of the documentation and no source of the service.  Rows on which a difference
in the last bit would turn a unit on or off are left out beforehand.
"""

import json
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import torch
from torch import nn

import serving
from from_torch import ACTIVATIONS, export
from torch_models import activation_of

ROWS, PARTS, DORMANT = 400, 7, 0.025
SAMPLE = 16  # derivatives of curves are of one row in so many of a request, and the answer says so
EXACT, CLOSE = 0.0, 2e-5
ROWWISE = (nn.Softmax, nn.LogSoftmax, nn.Softmin)
# outputs that are exactly 0 on a stretch of inputs
ZEROS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Hardsigmoid)
# the ends of finite ranges, of the modules as activation_of() makes them
RANGES = {nn.Sigmoid: (0, 1), nn.Tanh: (-1, 1), nn.Hardsigmoid: (0, 1), nn.Hardtanh: (-0.5, 0.8),
          nn.Softsign: (-1, 1)}  # fmt: skip


class Hidden:
    """One hidden layer as PyTorch computes it: z, h [rows, units], f'(z), and the next weights."""

    def __init__(self, kind, act, z, following):
        self.kind = kind
        z = z.detach().requires_grad_(True)
        h = act(z)
        self.z, self.h = z.detach().numpy().astype(float), h.detach().numpy().astype(float)
        (slope,) = torch.autograd.grad(h.sum(), z)
        self.slope = np.abs(slope.numpy().astype(float))
        self.out = np.abs(following.weight.detach().numpy().astype(float)).sum(0)
        shifted = [act(z.detach() + d).detach().numpy() != 0 for d in (-1e-4, 1e-4)]
        self.steady = (np.abs(self.z) > 1e-4).all(1) & (shifted[0] == shifted[1]).all(1)

    def fired(self):
        return self.h != 0 if self.kind in ZEROS else self.z > 0


def hidden_of(kind, model, x):
    layers, z = list(model), x
    out = []
    for linear, act, following in ((layers[0], layers[1], layers[2]), (layers[2], layers[3], layers[4])):
        z = linear(z).detach()
        out.append(Hidden(kind, act, z, following))
        z = act(z).detach()
    return out


class Table:
    """The largest difference of each figure, over all networks."""

    def __init__(self):
        self.worst, self.wrong = {}, []

    def add(self, where, figure, got, want, bound=CLOSE):
        got = np.array([np.nan if v is None else v for v in np.atleast_1d(np.array(got, dtype=object))], float)
        want = np.atleast_1d(np.array(want, dtype=float))
        if got.shape != want.shape:
            self.wrong.append(f"{where}: {figure}: {got.shape} figures, expected {want.shape}")
            return
        error = np.abs(got - want) / np.maximum(1, np.abs(want))
        error[np.isnan(got) & np.isnan(want)] = 0
        error[np.isnan(error)] = np.inf
        error = float(error.max(initial=0))
        if error >= self.worst.get(figure, (-1, ""))[0]:
            self.worst[figure] = (error, where)
        if error > bound:
            at = int(np.argmax(np.abs(got - want)))
            self.wrong.append(f"{where}: {figure}[{at}] is {got[at]}, expected {want[at]}")


def check_layer(table, where, got, is_, rows):
    """got: the answer's layer; is_: Hidden, over the rows served."""
    h, z, units = is_.h, is_.z, is_.h.shape[1]
    fired = is_.fired()
    silent = ~fired.any(0)
    table.add(where, "rows", got["rows"], rows, EXACT)
    table.add(where, "units", got["units"], units, EXACT)
    table.add(where, "mean", got["mean"], h.mean())
    table.add(where, "std", got["std"], h.std())
    all_rows = got["derivative_rows"] == rows
    sampled = np.concatenate([part[:: 1 if all_rows else SAMPLE] for part in np.array_split(is_.slope, PARTS)])
    table.add(where, "derivative_rows", got["derivative_rows"], len(sampled), EXACT)
    table.add(where, "derivative_mean", got["derivative_mean"], sampled.mean())
    table.add(where, "non_finite", got["non_finite"], 0, EXACT)
    if is_.kind in ZEROS:
        table.add(where, "zero_fraction", got["zero_fraction"], (h == 0).mean(), 1e-8)
        table.add(where, "dead.units", got["dead"]["units"], np.flatnonzero(silent)[:10], EXACT)
        table.add(where, "dead.count", got["dead"]["count"], silent.sum(), EXACT)
    elif "dead" in got:
        table.wrong.append(f"{where}: dead is there, where no output is exactly 0")
    magnitude = np.abs(h).mean(0)
    score = magnitude / magnitude.mean() if magnitude.mean() > 0 else magnitude * 0
    table.add(where, "dormant.count", got["dormant"]["count"], (score <= DORMANT).sum(), EXACT)
    detail = got["units_detail"]
    table.add(where, "firing_rate", [u["firing_rate"] for u in detail], fired.mean(0), 1e-8)
    table.add(where, "unit mean", [u["mean"] for u in detail], h.mean(0))
    table.add(where, "unit std", [u["std"] for u in detail], h.std(0))
    table.add(where, "dormant_score", [u["dormant_score"] for u in detail], score)
    table.add(where, "contribution", [u["contribution"] for u in detail], magnitude * is_.out)
    if is_.kind in RANGES:
        low, high = RANGES[is_.kind]
        edge = 0.01 * (high - low)
        below, above = h <= low + edge, h >= high - edge
        table.add(where, "saturated.low", got["saturated"]["low"], below.mean(), 1 / h.size)
        table.add(where, "saturated.high", got["saturated"]["high"], above.mean(), 1 / h.size)
        table.add(where, "saturated_fraction", [u["saturated_fraction"] for u in detail],
                  (below | above).mean(0), 1 / rows)  # fmt: skip
    upper = 1 - 0.05 ** (1 / rows)
    table.add(where, "firing_rate_upper95", [u["firing_rate_upper95"] for u in detail],
              np.where(fired.any(0), np.nan, upper))  # fmt: skip


def networks():
    """-> name, kind, network: two hidden layers, trained a little, one unit without weights and
    with a bias below 0"""
    torch.manual_seed(5)
    for kind in ACTIVATIONS:
        if kind in ROWWISE or kind is nn.Identity:
            continue
        size = 6  # what a PReLU of activation_of() has channels for
        model = nn.Sequential(nn.Linear(4, size), activation_of(kind), nn.Linear(size, size),
                              activation_of(kind), nn.Linear(size, 3))  # fmt: skip
        with torch.no_grad():
            model[0].weight.mul_(2)
            model[2].weight[0].zero_()
            model[2].bias[0] = -1.5
        yield kind.__name__.lower(), kind, model.eval()


def steady_rows(kind, model):
    rows = torch.randn(4 * ROWS, 4) * 1.5
    keep = np.logical_and.reduce([is_.steady for is_ in hidden_of(kind, model, rows)])
    return rows[torch.from_numpy(keep)][:ROWS]


def get(base, path):
    with urllib.request.urlopen(base + path, timeout=60) as reply:
        return json.load(reply)


def main():
    table, cases = Table(), []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, model in networks():
            rows = steady_rows(kind, model)
            export(model, Path(folder) / name)
            cases.append((name, kind, model, rows))
        with serving.serve(folder) as base:
            for name, kind, model, rows in cases:
                for part in np.array_split(rows.numpy(), PARTS):
                    serving.predict(base, name, part)
                answer = get(base, f"/v1/models/{name}/neurons?units=true&window=load")
                want = hidden_of(kind, model, rows)
                before = len(table.wrong)
                table.add(name, "layers", len(answer["layers"]), len(want), EXACT)
                for got, is_ in zip(answer["layers"], want):
                    check_layer(table, f"{name} {got['name']}", got, is_, len(rows))
                serving.ok(len(table.wrong) == before, f"{name}: all figures are NumPy's",
                           "; ".join(table.wrong[before:before + 4]))  # fmt: skip
    for figure, (error, where) in sorted(table.worst.items()):
        print(f"# {figure:20} largest difference {error:.2e} ({where})")
    serving.done()


if __name__ == "__main__":
    main()
