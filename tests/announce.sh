#!/usr/bin/env bash
# announce.sh AXOND PORT PID - wait until the daemon with that process id answers on that port, then print lines to try. Prints
# nothing if it ends instead, which says why by itself: another server may have the port.
set -eu

listens() {
    local inode
    while read -r inode; do
        [ -z "$(find "/proc/$2/fd" -lname "socket:\[$inode\]" 2>/dev/null)" ] || return 0
    done < <(awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && $2 ~ port "$" { print $10 }' /proc/net/tcp)
    return 1
}

until listens "$2" "$3" && "$1" --health --listen "127.0.0.1:$2" >/dev/null 2>&1; do
    kill -0 "$3" 2>/dev/null || exit 0
    sleep 0.05
done
cat <<END

axond serves on http://127.0.0.1:$2. A handwritten digit (configs/examples/digit.json), recognised:

    curl -s http://127.0.0.1:$2/v1/models/digits:predict -d @configs/examples/digit.json

and how its hidden units fare: which are dead, how far they have drifted from what they did on good rows, and the share of the dead as
Prometheus sees it. That takes evidence: these are 450 digits that training never saw, and with fewer than 300 rows there is no verdict.

    curl -s http://127.0.0.1:$2/v1/models/digits:predict -d @tests/data/digits/heldout.json -o /dev/null
    curl -s http://127.0.0.1:$2/v1/models/digits/neurons
    curl -s http://127.0.0.1:$2/metrics | grep 'dead_relu_ratio{model="digits"'

Ctrl-C stops it.
END
