#!/usr/bin/env bash
# Every .c and .h is as clang-format writes it: `make format` mends what this finds. But it breaks a section's ruler that is
# longer than a line in two, and is content with that.
. "$(dirname "$0")/lib.bash"

sources=() && gather sources '*.c' '*.h'

misformatted() {
    clang-format --dry-run --ferror-limit=1 -Werror "${sources[@]}" 2>&1 |
        sed -nE 's/^([^: ]+:[0-9]+):[0-9]+: error: .*/\1: clang-format would change this/p; /^[^ ]*(error|rror:)[^[]*$/p'
}

broken_rulers() {
    search -HnE '^/\* ----' "${sources[@]}" | search -vE '\*/$' | sed -E 's/^([^:]*:[0-9]*):.*/\1: a ruler takes one line/'
}

check "the ${#sources[@]} C files are formatted" misformatted
check "rulers of sections take one line" broken_rulers
finish
