#!/usr/bin/env bash
# Scripts: shellcheck finds nothing, scripts can be run, Python compiles.
. "$(dirname "$0")/lib.bash"

scripts=()
while IFS= read -r path; do
    case $path in
    *.sh | *.bash | .ci/*) scripts+=("$path") ;;
    esac
done < <(files '*')
pythons=() && gather pythons '*.py'

# SC2317 (unreachable) is wrong wherever a function is handed over by name, as all checks here are;
# SC2119 and SC2120 know no optional arguments.
shellcheck_all() {
    [ ${#scripts[@]} -gt 0 ] || return
    printf '%s\n' "${scripts[@]}" | in_parallel shellcheck --format=gcc --exclude=SC2119,SC2120,SC2317 --external-sources --source-path=SCRIPTDIR
}

# lib.* are read by others and not run.
runnable() {
    local script
    for script in "${scripts[@]}"; do
        case $script in */lib.sh | *.bash) continue ;; esac
        [ -x "$script" ] || echo "$script:1: not executable"
        [[ $(head -n 1 "$script") =~ ^#!(/usr/bin/env\ |/bin/)(ba)?sh$ ]] || echo "$script:1: no #! of sh or bash"
    done
}

pythons_compile() {
    local path
    for path in "${pythons[@]}"; do
        python3 -c 'import sys; path = sys.argv[1]; compile(open(path, encoding="utf-8").read(), path, "exec")' "$path" 2>&1 |
            tail -n 1 | sed "s|^|$path: |"
    done
}

check "shellcheck finds nothing in ${#scripts[@]} scripts" shellcheck_all
check "scripts can be run" runnable
check "${#pythons[@]} Python files compile" pythons_compile
finish
