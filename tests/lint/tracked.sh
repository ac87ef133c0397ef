#!/usr/bin/env bash
# The repository holds sources, no products, nothing large, and a fixed top level.
. "$(dirname "$0")/lib.bash"

paths=() && gather paths '*'

top_level() {
    local path
    for path in "${paths[@]}"; do
        case $path in
        server/* | lib/* | include/* | configs/* | tests/* | docker/* | Makefile | README.md | .ci/* | .[a-z]*) ;;
        *) echo "$path:1: the top level is server lib include configs tests docker Makefile README.md" ;;
        esac
    done
}

large() { stat -c '%s %n' "${paths[@]}" | awk '$1 > 1048576 { print $2 ":1: " $1 " bytes, at most 1 MiB" }'; }

products() {
    local path
    printf '%s\n' "${paths[@]}" | search -E '\.(o|a|so|d|pyc|gcda|gcno|orig|rej|swp|log)$|~$|__pycache__|^core(\.|$)' |
        sed 's/$/:1: a build product or leftover/'
    for path in "${paths[@]}"; do
        case $(head -c 8 "$path" | tr -d '\0') in
        $'\x7fELF'* | '!<arch>'*) echo "$path:1: a compiled file" ;;
        esac
    done
}

# So that every script here may take a file name for one word.
names() { printf '%s\n' "${paths[@]}" | search -Ev '^[A-Za-z0-9._/-]+$' | sed 's/$/:1: only A-Z a-z 0-9 . _ - in names/'; }

line_ends() {
    local texts=() path
    mapfile -t texts < <(git ls-files -co --exclude-standard --eol -- ':!*.safetensors' | sed -nE 's/^i\/[^ ]* +w\/(crlf|mixed) .*\t//p')
    for path in "${texts[@]}"; do
        # A request case may hold CR on purpose: it is what a client sends.
        case $path in tests/api/* | tests/fuzz/* | tests/data/*) continue ;; esac
        echo "$path:1: lines end with CR LF"
    done
}

check "the top level is as agreed" top_level
check "no file of the ${#paths[@]} is larger than 1 MiB" large
check "nothing that is built is tracked" products
check "names are plain" names
check "lines end with LF" line_ends
finish
