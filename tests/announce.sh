#!/usr/bin/env bash
# announce.sh AXOND PORT - wait until the daemon answers, then print a curl line to try.
set -eu
for _ in $(seq 100); do
    "$1" --health --listen "127.0.0.1:$2" >/dev/null 2>&1 && break
    sleep 0.05
done
cat <<END

axond serves on http://127.0.0.1:$2. A handwritten digit (configs/examples/digit.json), recognised:

    curl -s http://127.0.0.1:$2/v1/models/digits:predict -d @configs/examples/digit.json

and how many ReLU neurons have never fired:

    curl -s http://127.0.0.1:$2/metrics | grep dead_relu_ratio

Ctrl-C stops it.
END
