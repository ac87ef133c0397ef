#!/usr/bin/env bash
# The scripts of configs/export themselves: each is complete, so what they share must be the same text.
# shellcheck disable=SC2317 # what ok calls
cd "$(dirname "$0")/../.." || exit 1
number=0 failed=0

ok() { # NAME COMMAND...
    local name=$1
    shift
    number=$((number + 1))
    if "$@"; then echo "ok $number - $name"; else
        echo "not ok $number - $name"
        failed=1
    fi
}
shared() { sed -n '/^# ---- the folder: /,/^# ---- the end of the part/p' "$1"; }
same() { [ -n "$(shared "$1")" ] && diff <(shared "$1") <(shared configs/export/from_torch.py); }
alone() { ! grep -nE '^(import|from) (from_|\.)' "$1"; }

for script in configs/export/from_*.py; do
    ok "$script shares its part" same "$script"
    ok "$script needs no other" alone "$script"
done
echo "1..$number"
exit "$failed"
