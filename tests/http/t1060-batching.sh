#!/usr/bin/env bash
# Larger work is computed by workers: together, in time or not at all, and nothing that was accepted is lost.
. "$(dirname "$0")/lib.sh"

# put MODEL BATCHING; about 1.4 million parameters. --inline-us-max 0: workers compute everything, however fast they are.
put() {
    mkdir -p "$tmp/models/$1"
    printf '{"input": {"features": 256}, "layers": [{"name": "a", "units": 1024, "activation": "relu"},
        {"name": "b", "units": 1024, "activation": "relu"}, {"name": "y", "units": 20, "activation": "softmax"}],
        "initializer": "he_normal", "seed": 3, "batching": %s}\n' "$2" >"$tmp/models/$1/config.json"
}
put plain '{}'
put apart '{"rows_max": 1}'
# Requests to these wait for company: until four rows are there; long enough to do something meanwhile; longer than any step here.
put patient '{"queue_delay_us": 10000000, "rows_max": 4, "queue_rows_max": 4}'
put short '{"queue_delay_us": 3000000, "rows_max": 1024}'
put stubborn '{"queue_delay_us": 10000000, "rows_max": 1024}'
python3 -c 'import json; print(json.dumps({"instances": [[0.5] * 256]}))' >"$tmp/one.json"
python3 -c 'import json; print(json.dumps({"instances": [[0.5] * 256] * 3}))' >"$tmp/three.json"

clients() { python3 tests/http/batch_clients.py --address "$address" --slack "$slack" "$@"; }
outcome() { metric "axond_inference_requests_total{model=\"$1\",version=\"1\",outcome=\"$2\"}"; }
batches() { metric "axond_inference_batches_total{model=\"$1\",version=\"1\"}"; }
rows() { metric "axond_inference_rows_total{model=\"$1\",version=\"1\"}"; }
waits() { [ "$(metric "axond_queue_rows{model=\"$1\"}")" = "$2" ]; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

serve --models "$tmp/models" --inline-us-max 0 --threads 2
ok "64 clients with rows of their own: each reply is the one that it gets alone" clients same --model plain
clients waiting --model patient --count 4 >"$tmp/together"
ok "four requests that wait are answered" [ "$(grep -c '^200 ' "$tmp/together")" = 4 ]
ok "and computed together" [ "$(batches patient)" = 1 ]
ok "and so it is with rows_max 1" clients same --model apart --count 16
req POST /v1/models/plain:predict "@$tmp/one.json"
ok "Server-Timing tells how long it waited" grep -qiE '^server-timing: parse;dur=[0-9.]+, queue;dur=[0-9.]+, compute' <<<"$headers"
before=$(batches plain)
ok "a request of 4096 rows is computed in pieces, and has the rows of its parts" clients long
ok "in 16 pieces at least" less $((before + 15)) "$(batches plain)"
ok "nothing waits in the end" waits plain 0
ok "the queue's limit is a metric" [ "$(metric 'axond_queue_rows_max{model="patient"}')" = 4 ]

curl -sS --noproxy '*' --data-binary "@$tmp/three.json" -o /dev/null "$base/v1/models/patient:predict" &
first=$!
wait_for 60 waits patient 3
req POST /v1/models/patient:predict "@$tmp/three.json"
ok "a full queue is 429" want 429 '.code == "queue_full"'
ok "with Retry-After" grep -qi '^retry-after: 1$' <<<"$headers"
ok "and counted" [ "$(outcome patient rejected)" = 1 ]
req POST /v1/models/patient:predict "@$tmp/one.json"
wait "$first"
ok "what was in it is answered" [ "$(outcome patient success)" = 6 ]

before=$(rows patient)
curl -sS --noproxy '*' --data-binary "@$tmp/three.json" -o /dev/null "$base/v1/models/patient:predict" 2>"$tmp/curl" &
first=$!
wait_for 60 waits patient 3
kill "$first"
req POST /v1/models/patient:predict "@$tmp/one.json"
is_cancelled() { [ "$(outcome patient cancelled)" = 1 ]; }
ok "a client that leaves while its request waits is counted" wait_for 40 is_cancelled
ok "and nothing was computed for it" [ "$(rows patient)" = $((before + 1)) ]

clients waiting --model short --count 1 >"$tmp/reloaded" &
first=$!
wait_for 20 waits short 1
mv "$tmp/models/short" "$tmp/short"
kill -HUP "$pid"
wait_for 50 grep -q 'event=models_reloaded' "$tmp/log"
req POST /v1/models/short:predict "@$tmp/one.json"
ok "after a reload the model is not there any more" want 404
wait "$first"
ok "but who waited for it is answered" grep -q '^200 ' "$tmp/reloaded"
mv "$tmp/short" "$tmp/models/short"

serve --models "$tmp/models" --inline-us-max 0 --threads 1 --request-timeout 0.5
clients waiting --model stubborn --count 8 >"$tmp/late"
ok "who waits longer than request_timeout gets 504" [ "$(grep -c '^504 ' "$tmp/late")" = 8 ]
ok "before its turn comes ($(sort -k2 -n "$tmp/late" | tail -n 1))" less "$(awk '{ print $2 }' "$tmp/late" | sort -n | tail -n 1)" 9
ok "and is counted" [ "$(outcome stubborn deadline)" = 8 ]

serve --models "$tmp/models" --threads 2 --inline-us-max 1000000
clients waiting --model patient --count 4 >"$tmp/together"
ok "whoever sets queue_delay_us gets batches, whatever may be computed at once" [ "$(batches patient)" = 1 ]
req POST /v1/models/plain:predict "@$tmp/one.json"
ok "other work of up to inline_us_max is not queued" grep -qi 'queue;dur=0.000' <<<"$headers"

serve --models "$tmp/models" --inline-us-max 0 --threads 2
clients waiting --model short --count 4 >"$tmp/drained" &
first=$!
wait_for 20 waits short 4
stop TERM
wait "$first"
ok "SIGTERM: who waits is answered" [ "$(grep -c '^200 ' "$tmp/drained")" = 4 ]
ok "exit 0" [ "$exit_status" = 0 ]
rounds=5
[ "$slack" = 1 ] || rounds=2
for round in $(seq $rounds); do
    serve --models "$tmp/models" --inline-us-max 0 --threads $((1 + round % 2))
    ok "round $round: SIGTERM under load loses no reply" clients drain --pid "$pid" --count 24 --seconds 0.4
    stop TERM
    ok "round $round: exit 0" [ "$exit_status" = 0 ]
done

serve --models "$tmp/models" --inline-us-max 0 --threads 2
clients waiting --model stubborn --count 4 >"$tmp/cut" &
first=$!
wait_for 60 waits stubborn 4
kill -TERM "$pid"
wait_for 100 grep -q event=draining "$tmp/log"
stop TERM
wait "$first"
ok "a second SIGTERM cuts who waits" [ "$(grep -c '^200 ' "$tmp/cut")" = 0 ]
ok "in well under the delay (${stop_seconds} s)" less "$stop_seconds" 8
ok "and logs it" grep -q 'event=drain_cut connections=4' "$tmp/log"
exit_status=0 # of a daemon that had to cut: whatever main says
done_testing
