#!/usr/bin/env bash
# What ONNX asks of a backend's nodes, case by case, the daemon answers.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address
. "$(dirname "$0")/../http/lib.sh"
[ -e build/venv-onnx/complete ] || { skip "ONNX's node tests" "PyPI cannot be reached"; done_testing; exit; }

serve
ok "every node test passes, or is listed with its reason" build/venv-onnx/bin/python -B tests/onnx/run.py "$address"

done_testing
