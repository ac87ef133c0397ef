#!/usr/bin/env bash
# Files of numbers that say other than what they hold, from whoever hands them to `axond replay` and `axond baseline`.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models/small/1"
echo '{"task": "multiclass", "input": {"features": 2}, "initializer": "he_normal", "seed": 1, "layers": [
    {"name": "h", "units": 4, "activation": "relu"}, {"name": "y", "units": 3, "activation": "softmax"}]}' >"$tmp/models/small/config.json"
ok "each is refused with one sentence, and no more memory than a gigabyte" python3 -B tests/http/lies.py "$BIN" "$tmp/models"
done_testing
