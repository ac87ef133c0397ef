#!/usr/bin/env bash
# GET /v1/models/{model}/neurons: every figure is compared with PyTorch's activations and autograd on the same rows.
cd "$(dirname "$0")/../.." || exit 1
if [ -e build/venv-export-torch/ok ]; then
    exec build/venv-export-torch/bin/python -B tests/export/torch_neurons.py
fi
echo "ok 1 - neurons # SKIP build/venv-export-torch is not there: make test-export, with PyPI"
echo "1..1"
