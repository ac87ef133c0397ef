#!/usr/bin/env bash
# English for readers: subject first, and "after" where something comes later. english.py tells which sentences count.
. "$(dirname "$0")/lib.bash"

# This number only falls: who mends a sentence lowers it, and who must raise it writes another sentence instead.
most=0

pages_and_comments() {
    files '*.c' '*.h' '*.cc' '*.def' '*.md' '*.py' '*.sh' '*.bash' '*.awk' '*.mjs' '*.lua' '*.yml' '*.yaml' Makefile docker/Dockerfile '.ci/*' |
        search -v '^tests/api/'
}

ratchet() {
    local found count
    found=$(pages_and_comments | xargs python3 tests/lint/english.py) || return
    count=$(grep -c . <<<"$found")
    [ "$count" != "$most" ] || return 0
    [ "$count" -lt "$most" ] || printf '%s\n' "$found"
    echo "tests/lint/english.sh: $count sentences hide their subject, and most=$most: $([ "$count" -lt "$most" ] && echo "lower it" || echo "mend some")"
}

check "no more sentences hide their subject than did, and the number is true" ratchet
finish
