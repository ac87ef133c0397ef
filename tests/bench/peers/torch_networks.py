"""torch_networks.py - the models of a repository as PyTorch has them fastest: traced and frozen, one thread."""

import torch

import model

KINDS = {
    "relu": torch.nn.ReLU,
    "sigmoid": torch.nn.Sigmoid,
    "softmax": lambda: torch.nn.Softmax(dim=1),
}


def _network(layers):
    parts = []
    for weight, bias, activation in layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = torch.from_numpy(weight)
        linear.bias.data = torch.from_numpy(bias)
        parts += [linear, KINDS[activation]()]
    net = torch.nn.Sequential(*parts).eval()
    example = torch.zeros(2, layers[0][0].shape[1])
    return torch.jit.freeze(torch.jit.trace(net, example))


def all_of(repository):
    """-> name: network, of every model of a repository"""
    torch.set_num_threads(1)
    return {name: _network(layers) for name, layers in model.all_of(repository).items()}
