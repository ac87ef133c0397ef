#!/usr/bin/env bash
# :gradients over HTTP: a loss that fades, bursts or lives, each as a plain back-propagation in doubles has it; many rows in
# pieces on the workers; OpenBLAS with the right kernels, the wrong ones, or none.
# shellcheck disable=SC1091,SC2154 # lib.sh sets address, body and tmp
. "$(dirname "$0")/lib.sh"

python3 -B tests/http/gradients.py write "$tmp/models"
not_loaded() { ! grep -q openblas "/proc/$pid/maps"; }
here() { ldconfig -p 2>/dev/null | grep -q 'libopenblas\.so\.0'; }
check() { python3 -B tests/http/gradients.py check "$base" "$@"; }

digits() { # ROWS: of blank pixels, all labelled 3
    jq -cn --argjson rows "$1" '{instances: [range($rows) | [range(64) | 0]], labels: [range($rows) | 3]}' >"$tmp/rows"
}

serve --models "$tmp/models"
ok "no OpenBLAS is loaded before it is asked for" not_loaded
ok "twelve layers of sigmoid: vanishing, to 1e-5 of doubles" check faded 20
ok "weights that are much too large: exploding" check burst 20
ok "ReLU with He's weights: healthy" check he 20
ok "tanh: healthy, one row" check tanh 1
ok "600 rows, which are several pieces" check tanh 600
if here; then
    # blas_kernels where those that it runs do not suit this CPU
    ok "the first request has loaded it, once" test "$(grep -c 'event=blas_[a-z]* .*library=libopenblas.so.0 kernels=' "$tmp/log")" = 1
    serve --models "$tmp/models" --inline-us-max 1000000
    ok "it is loaded by a worker, whatever a thread that reads sockets may do itself" check tanh 1
else
    skip "the first request has loaded it, once" "no libopenblas.so.0 here"
    skip "it is loaded by a worker, whatever a thread that reads sockets may do itself" "no libopenblas.so.0 here"
fi

if grep -q ' avx2 ' /proc/cpuinfo && here; then
    export OPENBLAS_CORETYPE=Prescott
    serve --models "$tmp/models"
    ok "a user's own kernels win, and their figures are as good" check he 20
    ok "the log warns" grep -q 'level=warn event=blas_kernels .*kernels=Prescott' "$tmp/log"
    req POST /v1/models/he:gradients '{"instances": [[1, 2, 3, 4, 5, 6]], "labels": [0]}'
    ok "and so does the reply" want 200 '.warnings | length == 1 and (.[0] | startswith("OpenBLAS runs its kernels for Prescott"))'
    unset OPENBLAS_CORETYPE
else
    skip "a user's own kernels win" "no AVX2 or no libopenblas.so.0 here"
fi

# A library of that name that is no OpenBLAS: as good as none.
mkdir "$tmp/lib"
if echo 'int nothing;' | "${CC:-gcc}" -shared -fPIC -x c -o "$tmp/lib/libopenblas.so.0" - 2>/dev/null; then
    export LD_LIBRARY_PATH=$tmp/lib
    serve --models "$tmp/models"
    ok "without OpenBLAS the figures are the same: vanishing" check faded 20
    ok "exploding" check burst 20
    ok "healthy, in several pieces" check tanh 600
    ok "the log tells whose kernels do it" grep -q 'level=info event=blas_absent .*kernels=' "$tmp/log"
    unset LD_LIBRARY_PATH
else
    skip "without OpenBLAS the figures are the same" "no compiler here"
fi

# ---- where a verdict begins: the first layer's gradient is the last one's, times the weight between
# verdict WEIGHT: of one row
verdict() {
    req POST "/v1/models/times-$1:gradients" '{"instances": [[1]], "targets": [[0]]}'
    jq -r '[.verdict, (.layers[0].ratio_to_last * 1e5 | round)] | join(" ")' "$tmp/body"
}
for weight in 0.00099 0.00101 999 1001; do
    mkdir -p "$tmp/times/times-$weight"
    echo '{"task": "regression", "input": {"features": 1}, "layers": [{"units": 1, "activation": "identity", "weight": [[1]]},
        {"units": 1, "activation": "identity", "weight": [['$weight']]}]}' >"$tmp/times/times-$weight/config.json"
done
serve --models "$tmp/times"
ok "below a thousandth it is vanishing" test "$(verdict 0.00099)" = 'vanishing 99'
ok "above, it is healthy" test "$(verdict 0.00101)" = 'healthy 101'
ok "up to a thousand, too" test "$(verdict 999)" = 'healthy 99900000'
ok "beyond, it is exploding" test "$(verdict 1001)" = 'exploding 100100000'

# ---- the shipped models; what is many, what is nothing, who leaves
serve --models configs/models
req POST /v1/models/digits:gradients "$(jq -c '{instances, labels: [2]}' configs/examples/digit.json)"
ok "the digits model, on a 2 that it knows: healthy" want 200 '.verdict == "healthy" and .loss < 0.1 and (.layers | length == 3) and (has("warnings") | not)'
req POST /v1/models/breast-cancer:gradients "$(jq -c '{instances, labels: [1]}' configs/examples/tumour.json)"
ok "the binary model takes class indexes, too" want 200 '.loss > 0'
digits 65536
req POST /v1/models/digits:gradients "@$tmp/rows"
ok "65,536 rows" want 200 '.verdict == "healthy"'
many=$body
digits 1
req POST /v1/models/digits:gradients "@$tmp/rows"
same() { jq -en --argjson a "$many" --argjson b "$body" '[$a, $b | [.loss, .layers[].weight_gradient_norm]] | transpose | all((.[0] - .[1] | fabs) <= 1e-5 * (.[1] | fabs))' >"$tmp/jq"; }
ok "their mean is that of one of them, since all are equal" same
digits 65537
req POST /v1/models/digits:gradients "@$tmp/rows"
ok "65,537 rows are refused by name and number" want 400 '.code == "limit_exceeded" and (.error | test("65537 rows, at most 65536"))'
ok "no row of all these was traffic" test "$(metric 'axond_inference_rows_total{model="digits",version="1"}')" = 0

mkdir -p "$tmp/large/large"
jq -n '{task: "multiclass", input: {features: 1024}, initializer: "he_normal", output: {name: "y"}, layers: [
    {name: "a", units: 2048, activation: "relu"}, {name: "b", units: 2048, activation: "relu"}, {name: "y", units: 1000, activation: "softmax"}]}' >"$tmp/large/large/config.json"
serve --models "$tmp/large" --request-timeout 0.05s
jq -cn '{instances: [range(2000) | [range(1024) | 1]], labels: [range(2000) | 7]}' >"$tmp/rows"
req POST /v1/models/large:gradients "@$tmp/rows"
ok "a deadline that passes between the pieces is a 504" want 504 '.code == "deadline_exceeded"'
serve --models "$tmp/large" --bodies-bytes-max 24M
req POST /v1/models/large:gradients "$(jq -cn '{instances: [[range(1024) | 1]], labels: [7]}')"
ok "gradients that would not fit into memory are a 413 before any is computed" want 413 '.code == "body_too_large"'

leave() {
    python3 - "${address%:*}" "${address##*:}" "$tmp/rows" <<'EOF'
import socket, sys
body = open(sys.argv[3], "rb").read()
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
    s.sendall(b"POST /v1/models/large:gradients HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
EOF
}
serve --models "$tmp/large"
count_left() { [ "$(metric 'axond_http_requests_total{route="/v1/models/{model}:gradients",method="POST",code="499"}')" = 1 ]; }
ok "a client that sends 2,000 rows and leaves" leave
ok "is counted as one that took no reply" wait_for 100 count_left
req POST /v1/models/large:gradients "$(jq -cn '{instances: [[range(1024) | 1]], labels: [7]}')"
ok "and the next one is served" want 200 '.layers | length == 3'
done_testing
