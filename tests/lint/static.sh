#!/usr/bin/env bash
# Static analysis: cppcheck over everything, clang-tidy (.clang-tidy) over what ships.
#
# A false alarm is silenced where it is raised, with the reason beside it: `// NOLINTNEXTLINE(check): why`,
# `// cppcheck-suppress id ; why`. gcc 12's -fanalyzer is left out: on this code it takes handed-over memory for leaks
# and finds nothing else. Needs $B for the generated headers. A benchmark of a library that is not installed here is left out,
# and named: its group of .ci/deps brings it.
. "$(dirname "$0")/lib.bash"

: "${B:?build folder}"
sources=() && gather sources '*.c'
shipped=() && gather shipped 'lib/*.c' 'server/*.c' 'tests/oracle/*.c' 'tests/bench/*.c' 'tests/lint/*.c'
read -ra cc <<<"${CC:-gcc}"
read -ra cppflags <<<"${CPPFLAGS:--D_GNU_SOURCE -Iinclude -Ilib -Iserver -I$B/gen}"

# installed FILE: all <headers> that it includes are there, for what the preprocessor makes of it
installed() {
    local said
    said=$("${cc[@]}" -E -DAXON_ISA=baseline "${cppflags[@]}" "$1" 2>&1 >/dev/null)
    ! grep -q 'fatal error: .*: No such file' <<<"$said"
}

# Unknown includes are the system's: cppcheck knows the standard library by itself.
cppcheck_all() {
    cppcheck --quiet --enable=warning,performance,portability --inline-suppr --std=c11 -j "$(nproc)" \
        --suppress=unknownMacro --error-exitcode=1 --template='{file}:{line}: {message} [{id}]' \
        -D_GNU_SOURCE -D__x86_64__ -Iinclude -Ilib -Iserver -I"$B/gen" "${sources[@]}"
}

clang_tidy_all() {
    printf '%s\n' "${analysed[@]}" | xargs -P "$(nproc)" -I{} \
        clang-tidy --quiet {} -- -std=gnu11 -DAXON_ISA=baseline "${cppflags[@]}" 2>/dev/null |
        sed -nE "s|^$PWD/||; s/^([^ ]+:[0-9]+):[0-9]+: (error|warning): /\1: /p" | sort -u
}

analysed=() left_out=()
for source in "${shipped[@]}"; do
    if [[ $source != tests/bench/* ]] || installed "$source"; then analysed+=("$source"); else left_out+=("$source"); fi
done
[ ${#left_out[@]} -eq 0 ] || echo "# clang-tidy leaves out what lacks its library: ${left_out[*]} (.ci/deps bench)"
check "cppcheck finds nothing in ${#sources[@]} files" cppcheck_all
check "clang-tidy finds nothing in ${#analysed[@]} files" clang_tidy_all
finish
