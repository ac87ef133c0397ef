#!/usr/bin/env bash
# configs/export/from_sklearn.py: what it writes is served and compared with the framework.
cd "$(dirname "$0")/../.." || exit 1
if [ -e build/venv-export/ok ]; then
    exec build/venv-export/bin/python -B tests/export/sklearn_models.py
fi
echo "ok 1 - from_sklearn # SKIP build/venv-export is not there: make test-export, with PyPI"
echo "1..1"
