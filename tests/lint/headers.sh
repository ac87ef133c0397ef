#!/usr/bin/env bash
# Each header stands alone: it includes what it needs, may be included twice, and has a guard of its own.
. "$(dirname "$0")/lib.bash"

headers=() && gather headers '*.h'
public=() && gather public 'include/axon/*.h'
read -ra cc <<<"${CC:-gcc}"
read -ra cppflags <<<"${CPPFLAGS:--D_GNU_SOURCE -Iinclude -Ilib -Iserver}"

# twice FLAG... HEADER: compile a file that does nothing but include the header twice
twice() {
    local header=${*: -1}
    printf '#include "%s"\n' "$PWD/$header" "$PWD/$header" |
        "${cc[@]}" -fsyntax-only -Wall -Wextra -Werror -x c "${@:1:$#-1}" - 2>&1 |
        sed -nE "s|^$PWD/||; /^[^ ]+:[0-9]+:.*(error|warning)/p"
}

alone() {
    local header
    for header in "${headers[@]}"; do twice -std=gnu11 "${cppflags[@]}" "$header"; done
}

strict() {
    local header
    for header in "${public[@]}"; do twice -std=c11 -Wpedantic -Iinclude "$header"; done
}

# cplusplus: the public ones in one C++ program, if there is a compiler for it
cplusplus() {
    printf '#include "%s"\n' "${public[@]}" |
        g++ -fsyntax-only -Wall -Wextra -Wpedantic -Iinclude -I. -x c++ - 2>&1 | grep -E '(error|warning):'
    grep -L 'extern "C"' "${public[@]}" | sed 's/$/:1: no extern "C"/'
}

guards() {
    awk '
        FNR == 1 { directives = 0; guard = "" }
        /^#/ {
            directives++
            if (directives == 1 && $1 == "#ifndef") guard = $2
            if (directives == 2 && !($1 == "#define" && $2 == guard && guard != ""))
                print FILENAME ":" FNR ": does not begin with #ifndef X, #define X"
            if (directives == 2 && guard in seen)
                print FILENAME ":" FNR ": guard " guard " is that of " seen[guard]
            if (directives == 2) seen[guard] = FILENAME
        }' "${headers[@]}"
    grep -L '^#define' "${headers[@]}" | sed 's/$/:1: no guard/'
}

check "each of ${#headers[@]} headers compiles alone, and twice" alone
check "public headers are strict C11 and need nothing but -Iinclude" strict
if command -v g++ >/dev/null; then
    check "public headers are C++ too" cplusplus
fi
check "each header has a guard of its own" guards
finish
