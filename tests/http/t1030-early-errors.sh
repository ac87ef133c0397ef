#!/usr/bin/env bash
# A refusal that comes before the body has been sent can be read by real clients.
. "$(dirname "$0")/lib.sh"
serve

head -c 8000000 /dev/zero >"$tmp/body"
head -c 68157440 /dev/zero >"$tmp/65MiB"
req POST /v1/nothing "@$tmp/body"
ok "curl with Expect: 404 at the header call" want 404 '.code == "unknown_path"'
req POST /v1/nothing "@$tmp/body" -H 'Expect:'
ok "curl without Expect: 404 after the body" want 404 '.code == "unknown_path"'
req POST /v1/activations/relu "@$tmp/65MiB"
ok "65 MiB: curl reads the 413" want 413 '.code == "body_too_large" and (.error | contains("67108864"))'
ok "a refusal at the header call waits for no body" raw expect
ok "http.client sends 8 MB, then reads the refusal, 20 times of 20" raw early --bytes 8000000 --times 20
ok "so it does with a small body" raw early --bytes 100 --times 20
ok "far too much: the answer comes before the body, and only once" raw early_large --bytes 70000000
ok "far too much from a client that sends on: 413, 20 times of 20" raw early_large_times --bytes 70000000 --times 20

keeps_alive() { [ "$(curl -sS --noproxy '*' -o /dev/null -o /dev/null -w '%{num_connects} ' -d x "$base/v1/nothing" "$base/v1/nothing")" = "1 0 " ]; }
ok "a refused request leaves the connection usable" keeps_alive
done_testing
