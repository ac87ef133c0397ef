#!/usr/bin/env bash
# venvs.sh - the frameworks that test-export compares with, into build/venv-export and build/venv-export-torch. PyTorch is
# Debian's, the rest PyPI's. A venv that is complete has a file named ok; without PyPI there is none, and the tests skip.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
mkdir -p build
export KERAS_BACKEND=jax

# venv NAME REQUIREMENTS CHECK [OPTION]: Debian's own Python, whatever else is first in PATH
venv() {
    local folder=build/$1 requirements=$here/$2 check=$3
    cmp -s "$requirements" "$folder/ok" && return
    {
        rm -f "$folder/ok"
        /usr/bin/python3 -m venv ${4:+"$4"} "$folder" &&
            "$folder/bin/pip" install -q --disable-pip-version-check --retries 2 --timeout 60 -r "$requirements" &&
            "$folder/bin/python" -c "$check" && cp "$requirements" "$folder/ok"
    } >"$folder.log" 2>&1 || echo "test-export: $folder is not complete, its tests are skipped: $(tail -n 1 "$folder.log")"
}

venv venv-export requirements.txt 'import keras, sklearn, safetensors'
venv venv-export-torch requirements-torch.txt 'import torch, safetensors' --system-site-packages
