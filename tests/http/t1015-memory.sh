#!/usr/bin/env bash
# bodies_bytes_max bounds the memory of all requests: bodies, what is computed of them, and their longest replies.
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/models/wide"
echo '{"input": {"features": 2}, "layers": [{"name": "y", "units": 256, "activation": "tanh"}],
    "initializer": "he_normal", "seed": 1}' >"$tmp/models/wide/config.json"
mkdir -p "$tmp/models/counted"
jq -n '[range(4) | {name: "wide\(.)", units: 65536, activation: "relu"}, {name: "narrow\(.)", units: 1, activation: "tanh"}] |
    {input: {features: 2}, layers: ., initializer: "he_normal", seed: 1}' >"$tmp/models/counted/config.json"
limit=$((70 << 20))

serve --models "$tmp/models" --threads 2 --bodies-bytes-max $limit --body-bytes-max 1G --rows-max 1000000
if [ "$slack" = 1 ]; then
    ok "the worst bodies, one by one and together, grow the process by 1.3 times the limit at most" \
        python3 tests/http/memory_clients.py --address "$address" --pid "$pid" --limit $limit --most 1.3
else
    skip "the worst bodies grow the process by 1.3 times the limit at most" "sanitizers have memory of their own"
fi
python3 -c 'print("{\"gradient\": true, \"data\": [" + "1," * ((16 << 20) - 1) + "1]}")' >"$tmp/large"
req POST /v1/activations/mish "@$tmp/large" -H 'Expect:'
ok "16 Mi numbers with their gradient can never fit: 413" want 413 '.code == "body_too_large" and (.error | contains("bodies_bytes_max"))'
req POST /v1/activations/mish '{"data": [1, 2], "gradient": true}'
ok "and afterwards there is room again" want 200 '.gradient | length == 2'
req GET /v1/models/counted/neurons
ok "the counters of 262,148 units can never be told" want 413 '.code == "body_too_large"'
req POST /v1/models/counted:baseline '{}'
ok "nor be a baseline" want 413 '.code == "body_too_large"'
ok "refusals are counted" [ "$(metric 'axond_http_rejected_total{reason="body"}')" -ge 1 ]
done_testing
