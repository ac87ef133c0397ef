#!/usr/bin/env bash
# install.sh FOLDER - FastAPI, PyTorch and ONNX Runtime into FOLDER/python, Fastify and ONNX Runtime into FOLDER/node.
# A package that no registry gives is skipped with a word: the benchmark then runs without it.
set -uo pipefail
folder=${1:?where to}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder/node"

# Debian's own Python, whatever else is first in PATH: its PyTorch is seen by no other.
python() {
    [ -x "$folder/python/bin/python" ] || /usr/bin/python3 -m venv --system-site-packages "$folder/python" || return
    "$folder/python/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" || return
    rm -f "$folder/python/torch-ok"
    "$folder/python/bin/python" -c 'import torch' && touch "$folder/python/torch-ok"
    "$folder/python/bin/python" -c 'import fastapi, onnx, onnxruntime, orjson, uvloop, httptools'
}

# The package's script would fetch libraries for GPUs from where it may not; the ones for CPUs are in it.
node() {
    command -v npm >/dev/null || { echo "no npm"; return 1; }
    cp "$here/package.json" "$folder/node/package.json"
    (cd "$folder/node" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error && command node -e \
        'require("fastify"); require("onnxruntime-node")')
}

for peer in python node; do
    if "$peer" >"$folder/$peer.log" 2>&1; then
        echo "  PEER    $folder/$peer"
    else
        rm -f "$folder/$peer/ok"
        echo "bench-peers: $peer is skipped: $(tail -n 1 "$folder/$peer.log")"
        continue
    fi
    touch "$folder/$peer/ok"
done
