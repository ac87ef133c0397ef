#!/usr/bin/env bash
# NumPy's .npy to :predict, :gradients and :explain, and from them; tests/clients/t7070 does so with NumPy itself.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address
. "$(dirname "$0")/lib.sh"

array() { python3 -B tests/http/arrays.py "$address" "$1"; }
each() {
    ok "$1: an array is answered in kind, bit by bit" array in_kind
    ok "$1: of every dtype" array every_dtype
    ok "$1: in Fortran's order" array fortran_order
    ok "$1: Accept decides" array accept_decides
    ok "$1: NaN is untouched, and stays in its row" array nan_is_untouched
    ok "$1: the query has the other keys" array query_has_the_other_keys
    ok "$1: no rows" array no_rows
    ok "$1: 5000 rows" array a_thousand_times
    ok "$1: a refusal names the place" array refused_by_name
    ok "$1: gradients of labels and of targets" array gradients
    ok "$1: explanations" array explain
}
serve
each "here or by a worker"
serve --inline-us-max 0
each "by a worker"

# A worker reads a long body, then hands its rows on to a batch: they are counted once.
serve --inline-us-max 1 --model-name digits
ok "read by a worker, computed in a batch" array a_thousand_times
ok "and counted once" [ "$(metric 'axond_inference_rows_total{model="digits",version="1"}')" = 5005 ]

done_testing
