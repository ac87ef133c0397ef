#!/usr/bin/env bash
# run.sh [-m TEXT] TEST... - run test programs (libcheck) and scripts (TAP), a few at a time; print what failed and
# a count. TEXT keeps the tests whose path holds it. A log per test lands in $B/results.
#
# A test passes if it exits 0 and reports at least one check: a test that does nothing has failed.
set -u
: "${B:?build folder}"
# The tools of the scripts speak one language; our own programs hear the caller's (LANG). Variables that he has set for daemons of
# his own are no part of a test; AXOND_ISA is a way to run all of them.
export LC_ALL=C.UTF-8
for name in "${!AXOND_@}"; do [ "$name" = AXOND_ISA ] || unset "$name"; done
export BIN=${BIN:-$B/axond}
jobs=${JOBS:-$(nproc)}
match=
if [ "${1-}" = -m ]; then match=$2; shift 2; fi
results=$B/results
rm -rf "$results"; mkdir -p "$results"

# Sanitizers stop at the first report; OpenBLAS and libmicrohttpd are not instrumented.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:exitcode=99
[ -f tests/tsan.supp ] && TSAN_OPTIONS+=:suppressions=$PWD/tests/tsan.supp
# Check gives a test 4 s, which a machine that others use as well may take from any; a hang still ends.
export CK_DEFAULT_TIMEOUT=120
[ -n "${SAN:-}" ] && export TEST_SLOW=1 CK_TIMEOUT_MULTIPLIER=10

run_one() {
    local test=$1 name=${1//\//_} start=$EPOCHREALTIME status passed failed skipped log callers=()
    log=$results/$name.log
    [[ $test != "$B"/* ]] || callers=(env -u LC_ALL)
    "${callers[@]}" timeout -k 10 900 "./$test" >"$log" 2>&1
    status=$?
    passed=$(grep -cE '^ok ' "$log"); failed=$(grep -cE '^not ok ' "$log")
    skipped=$(grep -cE '^ok .*# SKIP' "$log"); passed=$((passed - skipped))
    skipped=$((skipped + $(grep -cE '^1\.\.0 # SKIP .' "$log"))) # a whole file, with its reason
    if read -r checks failures errors < <(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)$/\1 \2 \3/p' "$log"); then
        failed=$((failures + errors)); passed=$((checks - failed))
    fi
    if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((passed + failed + skipped)) -eq 0 ]; then failed=1; echo "no check ran" >>"$log"; fi
    echo "$passed $failed $skipped" >"$results/$name.count"
    printf '  %-7s %-46s %5s passed %s%s %6.1f s\n' "$([ "$failed" -eq 0 ] && echo PASS || echo FAIL)" \
        "${test#"$B"/}" "$passed" "$([ "$failed" -eq 0 ] || echo "$failed failed ")" \
        "$([ "$skipped" -eq 0 ] || echo "$skipped skipped ")" "$(bc_seconds "$start")"
    [ "$failed" -eq 0 ] || sed 's/^/    | /' "$log" | grep -vE '^    \| ok ' | tail -n 60
}
bc_seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
export -f run_one bc_seconds
export results B

tests=()
for test in "$@"; do case $test in *"$match"*) tests+=("$test") ;; esac; done
[ ${#tests[@]} -gt 0 ] || { echo "no test has '$match' in its path"; exit 1; }
printf '%s\n' "${tests[@]}" | xargs -P "$jobs" -I{} bash -c 'run_one {}'

read -r passed failed skipped < <(cat "$results"/*.count | awk '{p+=$1; f+=$2; s+=$3} END {print p, f, s}')
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
