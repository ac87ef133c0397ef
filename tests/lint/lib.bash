# lib.bash - what the lint scripts share: TAP output, the list of files, C without its comments.
#
# A check is a command that prints its offenders, one per line as file:line: what. It passes if it prints nothing and
# succeeds; so one that crashes fails, and so does one that has nothing to look at.
# shellcheck shell=bash
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
checks=0 failed=0

# check NAME COMMAND...
check() {
    local name=$1 offenders status
    shift
    offenders=$("$@" 2>&1)
    status=$?
    checks=$((checks + 1))
    if [ -z "$offenders" ] && [ $status -eq 0 ]; then
        echo "ok $checks - $name"
        return
    fi
    failed=$((failed + 1))
    echo "not ok $checks - $name"
    [ -n "$offenders" ] || offenders="exit status $status"
    while IFS= read -r line; do printf '# %s\n' "$line"; done <<<"$offenders"
}

finish() {
    echo "1..$checks"
    [ "$failed" -eq 0 ]
    exit
}

# files PATTERN...: tracked and new files; fails if there is none
files() {
    local path found=1
    while IFS= read -r path; do
        if [ -f "$path" ]; then
            printf '%s\n' "$path"
            found=0
        fi
    done < <(git ls-files -co --exclude-standard -- "$@" | sort)
    [ $found -eq 0 ] || echo "no file matches: $*" >&2
    return $found
}

# gather ARRAY PATTERN...: files into an array; ends the script if there is none
gather() {
    local -n array=$1
    mapfile -t array < <(files "${@:2}")
    if [ ${#array[@]} -eq 0 ]; then
        echo "Bail out! no file matches: ${*:2}"
        exit 1
    fi
}

# search ARG...: grep whose finding nothing is no failure
search() { grep "$@" || [ $? -eq 1 ]; }

# code FILE...: lines as file:line:text, without comments and without what is in quotes (but for includes)
code() {
    awk '
        FNR == 1 { comment = 0 }
        /^[ \t]*#[ \t]*include/ && !comment { print FILENAME ":" FNR ":" $0; next }
        {
            out = ""; quote = ""
            n = length($0)
            for (i = 1; i <= n; i++) {
                c = substr($0, i, 1)
                two = substr($0, i, 2)
                if (comment) { if (two == "*/") { comment = 0; i++; out = out " " } }
                else if (quote != "") {
                    if (c == "\\") i++
                    else if (c == quote) { quote = ""; out = out c }
                }
                else if (two == "/*") { comment = 1; i++ }
                else if (two == "//") break
                else { if (c == "\"" || c == "\047") quote = c; out = out c }
            }
            if (out !~ /^[ \t]*$/) print FILENAME ":" FNR ":" out
        }' "$@"
}

# in_parallel COMMAND ARG... : for each line of standard input as one more argument, on all cores; offenders on stdout
in_parallel() { xargs -r -P "$(nproc)" -I{} "$@" {}; }
