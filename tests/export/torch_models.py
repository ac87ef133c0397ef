#!/usr/bin/env python3
"""from_torch.py: networks are trained, written, served and compared with PyTorch on random rows."""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

import serving
from from_torch import ACTIVATIONS, Refused, export

torch.manual_seed(0)
torch.set_num_threads(1)


def train(model, features=4, outputs=None, steps=30):
    """A few steps on random rows: no parameter and no statistic stays what it was made."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(steps):
        x = torch.randn(32, features) * 2 + 1
        loss = (model(x) - torch.randn(32, outputs or 3)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


class Functional(nn.Module):
    """No Sequential, but one step after the other."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 16), nn.BatchNorm1d(16)
        self.block = nn.Sequential(nn.Linear(16, 8), nn.ELU(0.7))
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(8, 3)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        x = F.leaky_relu(self.norm(self.first(x)), 0.2)
        x = self.drop(self.block(torch.flatten(x, 1)))
        return F.log_softmax(self.last(x), dim=1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.a(x)


def activation_of(kind):
    arguments = {nn.PReLU: (6,), nn.LeakyReLU: (0.3,), nn.ELU: (0.8,), nn.CELU: (1.5,),
                 nn.Hardtanh: (-0.5, 0.8), nn.Softplus: (2.0, 10.0), nn.Hardshrink: (0.3,),
                 nn.Softshrink: (0.2,), nn.Threshold: (0.1, 0.5), nn.RReLU: (0.1, 0.4),
                 nn.Softmax: (1,), nn.LogSoftmax: (-1,), nn.Softmin: (1,)}  # fmt: skip
    return kind(*arguments.get(kind, ()))


def networks():
    """-> name, model, options of export(), outputs"""
    for kind in ACTIVATIONS:
        model = nn.Sequential(nn.Linear(4, 6), activation_of(kind), nn.Linear(6, 3))
        yield "act-" + kind.__name__, model, {}, 3
    yield "gelu-tanh", nn.Sequential(nn.Linear(4, 3), nn.GELU("tanh")), {}, 3
    yield "prelu-8", nn.Sequential(nn.Linear(4, 8), nn.PReLU(8), nn.Linear(8, 1)), {}, 1
    yield "norm-relu", nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), {}, 3  # fmt: skip
    yield "relu-norm", nn.Sequential(
        nn.BatchNorm1d(4), nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Dropout(),
        nn.BatchNorm1d(8, affine=False), nn.BatchNorm1d(8), nn.Identity(),
        nn.Linear(8, 3), nn.BatchNorm1d(3), nn.Sigmoid()), {}, 3  # fmt: skip
    yield "nested", nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.Tanh(), nn.Linear(8, 3))),
        nn.Softmax(dim=-1)), {"labels": ["a", "b", "c"]}, 3  # fmt: skip
    yield "functional", Functional(), {}, 3
    yield "double", nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.SiLU(), nn.Linear(8, 1)), {
        "task": "regression"}, 1  # fmt: skip


def main():
    cases, labelled = [], None
    for name, model, options, outputs in networks():
        train(model, outputs=outputs)
        if name == "double":
            model.double()
        rows = torch.randn(50, 4) * 2 + 1
        with torch.no_grad():
            want = model(rows.to(next(model.parameters()).dtype)).numpy()
        cases.append((name, lambda f, m=model, o=options: export(m, f, **o), rows.numpy(), want))
        labelled = want if name == "nested" else labelled
    logits = train(nn.Sequential(nn.Linear(4, 3)))
    rows = torch.randn(50, 4)
    with torch.no_grad():
        want = torch.softmax(logits(rows), 1).numpy()
    cases.append(("logits", lambda f: export(logits, f, probabilities=True, rows=rows),
                  rows.numpy(), want))  # fmt: skip
    refusals()
    serving.run(cases + by_hand(), lambda base: classes(base, cases, labelled))


def by_hand():
    """Without the exporter: a state_dict as it is, and config.json says what it means."""
    cases = []
    for name, layers, middle in (
        ("hand-prelu", [nn.Linear(4, 8), nn.PReLU(8), nn.Linear(8, 1)],
         [{"name": "0", "units": 8, "activation": {"name": "prelu", "alpha": "1.weight"}},
          {"name": "2", "units": 1, "activation": "identity"}]),
        ("hand-norm", [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)],
         [{"name": "0", "units": 8, "activation": "identity"},
          {"name": "1", "type": "batch_norm", "activation": "relu"},
          {"name": "3", "units": 1, "activation": "identity"}]),
    ):  # fmt: skip
        model = train(nn.Sequential(*layers), outputs=1)

        def write(folder, model=model, middle=middle):
            (folder / "1").mkdir(parents=True)
            tensors = {k: v.numpy() for k, v in model.state_dict().items()}
            save_file(tensors, folder / "1/model.safetensors")
            (folder / "1/model.safetensors").chmod(0o644)
            config = {"input": {"features": 4}, "layers": middle}
            (folder / "config.json").write_text(json.dumps(config))
            (folder / "config.json").chmod(0o644)
            folder.chmod(0o755)
            (folder / "1").chmod(0o755)

        rows = torch.randn(50, 4)
        with torch.no_grad():
            cases.append((name, write, rows.numpy(), model(rows).numpy()))
    return cases


def classes(base, cases, want):
    rows = next(rows for name, _, rows, _ in cases if name == "nested")
    reply = serving.predict(base, "nested", rows, top_k=1)
    got = [row[0]["label"] for row in reply["classes"]]
    serving.ok(got == ["abc"[i] for i in np.argmax(want, 1)], "labels are written")


def refusals():
    linear = nn.Linear(4, 4)
    for name, model, text in (
        ("a convolution", nn.Sequential(nn.Conv1d(4, 4, 1)), "the model has no dense layer"),
        ("a layer norm", nn.Sequential(linear, nn.LayerNorm(4)),
         "1: LayerNorm is none of the layers that config.json has"),
        ("a gated unit", nn.Sequential(linear, nn.GLU()), "1: GLU is none of the layers"),
        ("a residual", Residual(), "forward(): add: "),
        ("two activations in a row", nn.Sequential(linear, nn.ReLU(), nn.Tanh()),
         "2: tanh does not stand right after a dense layer"),
        ("a norm at the end", nn.Sequential(linear, nn.ReLU(), nn.BatchNorm1d(4)),
         "2: after the last activation no dense layer follows"),
        ("a norm of the batch", nn.Sequential(linear, nn.BatchNorm1d(4, track_running_stats=False)),
         "1: track_running_stats=False"),
        ("softmax over the rows", nn.Sequential(linear, nn.Softmax(0)),
         "softmax along dimension 0; a row is dimension 1"),
    ):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            serving.refuses(Refused, name, lambda m=model, f=folder: export(m, Path(f) / "m"), text)


if __name__ == "__main__":
    main()
