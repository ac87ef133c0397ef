#!/usr/bin/env bash
# The daemon answers ONNX's cases for a backend's nodes, one by one.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address
. "$(dirname "$0")/../http/lib.sh"
[ -e build/venv-onnx/complete ] || { skip "ONNX's node tests" "PyPI cannot be reached"; done_testing; exit; }

serve
ok "every node test passes, or is listed with its reason" build/venv-onnx/bin/python -B tests/onnx/run.py "$address"

done_testing
