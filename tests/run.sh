#!/usr/bin/env bash
# run.sh [-m TEXT] TEST... - run test programs (libcheck) and scripts (TAP), a few at a time; print what failed and
# a count. TEXT keeps the tests whose path holds it. A log per test lands in $B/results.
#
# A test passes if it exits 0 and reports at least one check: a test that does nothing has failed. In CI a script of
# tests/http that fails is run again: FLAKY if it passes then, with the first try's log.
set -u
: "${B:?build folder}"
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
[ -n "${SAN:-}" ] && export AXOND_TEST_SLOW=1 CK_TIMEOUT_MULTIPLIER=10

# try TEST LOG: runs it once; sets passed, failed, skipped
try() {
    local status checks failures errors
    timeout -k 10 900 "./$1" >"$2" 2>&1
    status=$?
    passed=$(grep -cE '^ok ' "$2"); failed=$(grep -cE '^not ok ' "$2")
    skipped=$(grep -cE '^ok .*# SKIP' "$2"); passed=$((passed - skipped))
    if read -r checks failures errors < <(sed -nE 's/^[0-9]+%: Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+)$/\1 \2 \3/p' "$2"); then
        failed=$((failures + errors)); passed=$((checks - failed))
    fi
    if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((passed + failed + skipped)) -eq 0 ]; then failed=1; echo "no check ran" >>"$2"; fi
}

run_one() {
    local test=$1 name=${1//\//_} start=$EPOCHREALTIME passed failed skipped log verdict=PASS
    log=$results/$name.log
    try "$test" "$log"
    # Daemon and clients against the clock on a starved machine: such a test may fail once. It is not hidden, and what
    # fails twice, or by a sanitizer's word, has failed.
    if [ "$failed" -gt 0 ] && [ -n "${CI:-}" ] && [[ $test == tests/http/* ]] && ! grep -q 'Sanitizer\|runtime error:' "$log"; then
        cp "$log" "$log.first"
        verdict=FLAKY
        try "$test" "$log"
    fi
    [ "$failed" -eq 0 ] || verdict=FAIL
    echo "$passed $failed $skipped" >"$results/$name.count"
    printf '  %-7s %-46s %5s passed %s%s %6.1f s\n' "$verdict" \
        "${test#"$B"/}" "$passed" "$([ "$failed" -eq 0 ] || echo "$failed failed ")" \
        "$([ "$skipped" -eq 0 ] || echo "$skipped skipped ")" "$(bc_seconds "$start")"
    case $verdict in
    FLAKY) sed 's/^/    | first try: /' "$log.first" ;;
    FAIL) sed 's/^/    | /' "$log" ;;
    esac | grep -vE '^    \| (first try: )?ok ' | tail -n 60
}
bc_seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
export -f run_one try bc_seconds
export results B

tests=()
for test in "$@"; do case $test in *"$match"*) tests+=("$test") ;; esac; done
[ ${#tests[@]} -gt 0 ] || { echo "no test has '$match' in its path"; exit 1; }
printf '%s\n' "${tests[@]}" | xargs -P "$jobs" -I{} bash -c 'run_one {}'

read -r passed failed skipped < <(cat "$results"/*.count | awk '{p+=$1; f+=$2; s+=$3} END {print p, f, s}')
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
