#!/usr/bin/env bash
# numpy.save() to :predict, numpy.load() of its answer.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address and venv
. "$(dirname "$0")/lib.sh"
need "numpy.save and numpy.load"

serve
ok "numpy.save and numpy.load: every dtype and order" "$venv/python" -B tests/http/arrays.py "$address" numpy_itself
done_testing
