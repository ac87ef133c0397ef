#!/usr/bin/env bash
# Makes build/venv-onnx with onnx, from PyPI; the file `complete` in it says that they are there.
# Not reaching PyPI is no error here: the tests say what they skip.
set -u
cd "$(dirname "$0")/../.." || exit 1
venv=build/venv-onnx
[ -e $venv/complete ] && [ ! tests/onnx/requirements.txt -nt $venv/complete ] && exit
rm -f $venv/complete
if [ -x $venv/bin/python ] || python3 -m venv $venv; then
    $venv/bin/pip install -q --disable-pip-version-check -r tests/onnx/requirements.txt && touch $venv/complete
fi
[ -e $venv/complete ] || echo "test-onnx: PyPI cannot be reached, or there is no python3-venv"
exit 0
