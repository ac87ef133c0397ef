#!/usr/bin/env bash
# :gradients against PyTorch's autograd: every activation, every task, many rows, a large network.
cd "$(dirname "$0")/../.." || exit 1
if [ -e build/venv-export-torch/ok ]; then
    exec build/venv-export-torch/bin/python -B tests/export/gradients_models.py
fi
echo "ok 1 - gradients # SKIP build/venv-export-torch is not there: make test-export, with PyPI"
echo "1..1"
