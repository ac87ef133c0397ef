# shellcheck shell=bash
# lib.sh - what the scripts of this folder need besides ../http/lib.sh. Sourced by t*.sh.
#
#   need WHAT                   ends the script with a skipped test WHAT where venv.sh has reached no PyPI
#   fresh_models                $tmp/models: a copy of the shipped models, which a test may change
#   cases TITLE SCRIPT [ARGUMENTS]   runs SCRIPT's cases (cases.py); each is a test, and its table of calls is printed
#
# $venv is the folder of the tools.
# shellcheck disable=SC1091,SC2154 # lib.sh sets tmp
. "$(dirname "${BASH_SOURCE[0]}")/../http/lib.sh"
venv=build/venv-clients/bin

need() {
    [ -e build/venv-clients/complete ] && return
    skip "$1" "PyPI cannot be reached"
    done_testing
    exit
}

fresh_models() {
    rm -rf "$tmp/models"
    cp -r configs/models "$tmp/models"
}

cases() {
    local title=$1 script=$2 verdict name
    shift 2
    # shellcheck disable=SC2034 # ok() of lib.sh tells it
    status='' # a case says itself what is wrong: the last reply to curl has no part in it
    "$venv/python" -B "tests/clients/$script" "$@" >"$tmp/cases" 2>&1
    sed '/^\(passed\|failed\)\t/d; s/^/# /' "$tmp/cases"
    while IFS=$'\t' read -r verdict name; do
        ok "$title: $name"                    test "$verdict" = passed
    done < <(grep -P '^(passed|failed)\t' "$tmp/cases")
    ok "$title: all cases ran"                grep -q '^all cases ran$' "$tmp/cases"
}
