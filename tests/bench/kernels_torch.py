"""kernels_torch.py FD - PyTorch's side of kernels.c: answers lines from standard input, see kernels_torch.c.

FD is a file of three arrays of ELEMENTS_MAX floats: x, upstream, y. Each row is the fastest form that PyTorch has for
it: into a given tensor (out=) wherever there is one, since a new tensor per call costs page faults.
"""

import mmap
import os
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(3)

ELEMENTS_MAX = 1 << 24
ROW_LENGTH = 256
nn, aten = torch._C._nn, torch.ops.aten
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
RRELU_SLOPE = (1 / 8 + 1 / 3) / 2


def rows(t):
    return t.view(-1, ROW_LENGTH)


def half_rows(y):
    return y[: y.numel() // 2].view(-1, ROW_LENGTH // 2)


PRELU = torch.tensor([0.25])

# Each entry makes, from x and y, what is to be timed.
FORWARD = {
    "identity": lambda x, y: lambda: y.copy_(x),
    "relu": lambda x, y: lambda: torch.clamp_min(x, 0, out=y),
    "relu6": lambda x, y: lambda: nn.hardtanh(x, 0, 6, out=y),
    "leaky_relu": lambda x, y: lambda: nn.leaky_relu(x, 0.01, out=y),
    "prelu": lambda x, y: lambda: nn.leaky_relu(x, 0.25, out=y),
    "rrelu": lambda x, y: lambda: nn.leaky_relu(x, RRELU_SLOPE, out=y),
    "elu": lambda x, y: lambda: nn.elu(x, 1.0, out=y),
    "selu": lambda x, y: lambda: nn.elu(x, SELU_ALPHA, SELU_SCALE, out=y),
    "celu": lambda x, y: lambda: nn.elu(x, 1.0, 1.0, 1.0, out=y),
    "sigmoid": lambda x, y: lambda: torch.sigmoid(x, out=y),
    "log_sigmoid": lambda x, y: lambda: nn.log_sigmoid(x, out=y),
    "hard_sigmoid": lambda x, y: lambda: nn.hardsigmoid(x, out=y),
    "tanh": lambda x, y: lambda: torch.tanh(x, out=y),
    "hard_tanh": lambda x, y: lambda: nn.hardtanh(x, out=y),
    "tanh_shrink": lambda x, y: lambda: torch.sub(x, torch.tanh(x, out=y), out=y),
    "softplus": lambda x, y: lambda: nn.softplus(x, out=y),
    "softsign": lambda x, y: lambda: torch.div(x, torch.abs(x, out=y).add_(1), out=y),
    "silu": lambda x, y: lambda: nn.silu(x, out=y),
    "hard_swish": lambda x, y: lambda: nn.hardswish(x, out=y),
    "gelu": lambda x, y: lambda: nn.gelu(x, out=y),
    "gelu_tanh": lambda x, y: lambda: nn.gelu(x, approximate="tanh", out=y),
    "quick_gelu": lambda x, y: lambda: torch.mul(torch.mul(x, 1.702, out=y).sigmoid_(), x, out=y),
    "mish": lambda x, y: lambda: nn.mish(x, out=y),
    "hard_shrink": lambda x, y: lambda: torch.hardshrink(x, 0.5, out=y),
    "soft_shrink": lambda x, y: lambda: nn.softshrink(x, 0.5, out=y),
    "threshold": lambda x, y: lambda: torch.threshold(x, 0, 0, out=y),
    "squareplus": lambda x, y: lambda: torch.mul(x, x, out=y).add_(4).sqrt_().add_(x).mul_(0.5),
    "exponential": lambda x, y: lambda: torch.exp(x, out=y),
    "softmax": lambda x, y: lambda: torch.softmax(rows(x), 1, out=rows(y)),
    "log_softmax": lambda x, y: lambda: torch.log_softmax(rows(x), 1, out=rows(y)),
    "glu": lambda x, y: lambda: nn.glu(rows(x), 1, out=half_rows(y)),
}


def from_output(backward, forward):
    """A derivative that PyTorch computes from the saved output: saving it is the forward pass's work."""

    def make(x, u, dx):
        saved = forward(x)
        return lambda: backward(u, saved, grad_input=dx)

    return make


def rowwise(backward, forward, keyword):
    def make(x, u, dx):
        saved = forward(rows(x), 1)
        into = {keyword: rows(dx)}
        return lambda: backward(rows(u), saved, 1, torch.float32, **into)

    return make


def elu(alpha, scale, input_scale):
    return lambda x, u, dx: lambda: aten.elu_backward(u, alpha, scale, input_scale, False, x, grad_input=dx)


def leaky(slope):
    return lambda x, u, dx: lambda: aten.leaky_relu_backward(u, x, slope, False, grad_input=dx)


def hard_tanh(low, high):
    return lambda x, u, dx: lambda: aten.hardtanh_backward(u, x, low, high, grad_input=dx)


GRADIENT = {
    "identity": lambda x, u, dx: lambda: dx.copy_(u),
    "relu": lambda x, u, dx: lambda: aten.threshold_backward(u, x, 0, grad_input=dx),
    "relu6": hard_tanh(0, 6),
    "leaky_relu": leaky(0.01),
    "prelu": leaky(0.25),
    "rrelu": leaky(RRELU_SLOPE),
    "elu": elu(1.0, 1.0, 1.0),
    "selu": elu(SELU_ALPHA, SELU_SCALE, 1.0),
    "celu": elu(1.0, 1.0, 1.0),
    "sigmoid": from_output(aten.sigmoid_backward, torch.sigmoid),
    "log_sigmoid": lambda x, u, dx: lambda: aten.log_sigmoid_backward(u, x, dx, grad_input=dx),
    "hard_sigmoid": lambda x, u, dx: lambda: aten.hardsigmoid_backward(u, x, grad_input=dx),
    "tanh": from_output(aten.tanh_backward, torch.tanh),
    "hard_tanh": hard_tanh(-1, 1),
    "softplus": lambda x, u, dx: lambda: aten.softplus_backward(u, x, 1, 20, grad_input=dx),
    "silu": lambda x, u, dx: lambda: aten.silu_backward(u, x, grad_input=dx),
    "hard_swish": lambda x, u, dx: lambda: aten.hardswish_backward(u, x, out=dx),
    "gelu": lambda x, u, dx: lambda: aten.gelu_backward(u, x, grad_input=dx),
    "gelu_tanh": lambda x, u, dx: lambda: aten.gelu_backward(u, x, approximate="tanh", grad_input=dx),
    "mish": lambda x, u, dx: lambda: dx.copy_(aten.mish_backward(u, x)),
    "hard_shrink": lambda x, u, dx: lambda: aten.hardshrink_backward(u, x, 0.5, grad_input=dx),
    "soft_shrink": lambda x, u, dx: lambda: aten.softshrink_backward(u, x, 0.5, grad_input=dx),
    "threshold": lambda x, u, dx: lambda: aten.threshold_backward(u, x, 0, grad_input=dx),
    "exponential": lambda x, u, dx: lambda: torch.mul(u, torch.exp(x, out=dx), out=dx),
    "softmax": rowwise(aten._softmax_backward_data, torch.softmax, "grad_input"),
    "log_softmax": rowwise(aten._log_softmax_backward_data, torch.log_softmax, "out"),
    "glu": lambda x, u, dx: lambda: aten.glu_backward(half_rows(u), rows(x), 1, grad_input=rows(dx)),
}


def prepare(arrays, row, gradient, n):
    x, u, y = (a[:n] for a in arrays)
    make = (GRADIENT if gradient else FORWARD).get(row)
    if make is None:
        return None
    return make(x, u, y) if gradient else make(x, y)


def cpu_ns(run, reps):
    start = time.thread_time_ns()
    for _ in range(reps):
        run()
    return time.thread_time_ns() - start


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    memory = mmap.mmap(int(sys.argv[1]), os.fstat(int(sys.argv[1])).st_size)
    whole = torch.frombuffer(memory, dtype=torch.float32)
    arrays = [whole[k * ELEMENTS_MAX : (k + 1) * ELEMENTS_MAX] for k in range(3)]
    run = None
    for line in sys.stdin:
        verb, *words = line.split()
        answer = 1
        if verb == "prepare":
            run = prepare(arrays, words[0], words[1] == "1", int(words[2]))
            answer = int(run is not None)
        elif verb == "time":
            answer = cpu_ns(run, int(words[0]))
        print(answer, flush=True)


main()
