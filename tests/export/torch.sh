#!/usr/bin/env bash
# configs/export/from_torch.py: what it writes is served and compared with the framework.
cd "$(dirname "$0")/../.." || exit 1
if [ -e build/venv-export-torch/ok ]; then
    exec build/venv-export-torch/bin/python -B tests/export/torch_models.py
fi
echo "ok 1 - from_torch # SKIP build/venv-export-torch is not there: make test-export, with PyPI"
echo "1..1"
