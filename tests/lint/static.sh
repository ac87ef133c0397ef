#!/usr/bin/env bash
# What static analysis sees: cppcheck over everything, clang-tidy (.clang-tidy) over what ships.
#
# A false alarm is silenced where it is raised, with the reason beside it: `// NOLINTNEXTLINE(check): why`,
# `// cppcheck-suppress id ; why`. gcc 12's -fanalyzer is left out: on this code it takes handed-over memory for leaks
# and finds nothing else. Needs $B for the generated headers.
. "$(dirname "$0")/lib.bash"

: "${B:?build folder}"
sources=() && gather sources '*.c'
shipped=() && gather shipped 'lib/*.c' 'server/*.c' 'tests/oracle/*.c' 'tests/bench/*.c' 'tests/lint/*.c'
read -ra cppflags <<<"${CPPFLAGS:--D_GNU_SOURCE -Iinclude -Ilib -Iserver -I$B/gen}"

# Unknown includes are the system's: cppcheck knows the standard library by itself.
cppcheck_all() {
    cppcheck --quiet --enable=warning,performance,portability --inline-suppr --std=c11 -j "$(nproc)" \
        --suppress=unknownMacro --error-exitcode=1 --template='{file}:{line}: {message} [{id}]' \
        -D_GNU_SOURCE -D__x86_64__ -Iinclude -Ilib -Iserver -I"$B/gen" "${sources[@]}"
}

clang_tidy_all() {
    printf '%s\n' "${shipped[@]}" | xargs -P "$(nproc)" -I{} \
        clang-tidy --quiet {} -- -std=gnu11 -DAXON_ISA=baseline "${cppflags[@]}" 2>/dev/null |
        sed -nE "s|^$PWD/||; s/^([^ ]+:[0-9]+):[0-9]+: (error|warning): /\1: /p" | sort -u
}

check "cppcheck finds nothing in ${#sources[@]} files" cppcheck_all
check "clang-tidy finds nothing in ${#shipped[@]} files" clang_tidy_all
finish
