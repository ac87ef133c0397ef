#!/usr/bin/env bash
# Every .c and .h is as clang-format writes it: `make format` mends what this finds.
. "$(dirname "$0")/lib.bash"

sources=() && gather sources '*.c' '*.h'

misformatted() {
    clang-format --dry-run --ferror-limit=1 -Werror "${sources[@]}" 2>&1 |
        sed -nE 's/^([^: ]+:[0-9]+):[0-9]+: error: .*/\1: clang-format would change this/p; /^[^ ]*(error|rror:)[^[]*$/p'
}

check "the ${#sources[@]} C files are formatted" misformatted
finish
