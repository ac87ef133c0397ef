#!/usr/bin/env bash
# The code of every catalogue entry, run in the framework that it is for, makes what the service answers.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address
. "$(dirname "$0")/../http/lib.sh"

serve
# framework, the venv that has it, and the file that says that the venv is complete
while read -r framework venv complete; do
    if [ -e "build/$venv/$complete" ]; then
        ok "the code for $framework makes what the service answers" \
            "build/$venv/bin/python" -B tests/code/check.py "$address" "$framework"
    else
        skip "the code for $framework" "build/$venv is not there: make test-code, with PyPI"
    fi
done <<'END'
pytorch venv-export-torch ok
numpy venv-onnx complete
onnx venv-onnx complete
keras venv-export ok
jax venv-export ok
END
done_testing
