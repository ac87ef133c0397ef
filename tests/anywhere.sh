#!/usr/bin/env bash
# anywhere.sh [CONDITION...] - the whole suite once under each condition that a machine, or whoever works on it, may bring along and
# that needs no privileges to make. Called by `make test-anywhere`, which has built everything; $B and $T as for run.sh.
#
#   one-cpu    all on one CPU
#   busy       as many spinning processes as there are CPUs, at equal priority
#   baseline   AXOND_ISA=baseline: the kernels of the oldest CPU
#   foreign    in a folder with a space, LANG=de_DE.UTF-8, without IPv6, with variables of axond and OpenBLAS set
#
# An ordinary user, and a machine with nothing on it, are .ci/bare's.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/tree.bash
: "${B:?build folder}"
conditions=("$@")
[ ${#conditions[@]} -gt 0 ] || conditions=(one-cpu busy baseline foreign)
tmp=$(mktemp -d)
spinning=()

end_spinning() {
    [ ${#spinning[@]} -eq 0 ] || { kill "${spinning[@]}" && wait "${spinning[@]}"; } 2>/dev/null || true
    spinning=()
}
trap 'end_spinning; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

suite() { "$@" make --no-print-directory ${T:+T="$T"} SAN="${SAN:-}" test; }

one_cpu() { suite taskset -c "$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')"; }

busy() {
    local status=0
    for _ in $(seq "$(nproc)"); do
        (while :; do :; done) &
        spinning+=($!)
    done
    suite env || status=$?
    end_spinning
    return "$status"
}

baseline() { suite env AXOND_ISA=baseline; }

# without_ipv6 COMMAND...: in a network of its own that has 127.0.0.1 and nothing else; as it is where that is not allowed
without_ipv6() {
    local own=(unshare --net)
    [ "$(id -u)" = 0 ] || own=(unshare --user --map-root-user --net)
    # shellcheck disable=SC2016 # for the shell inside
    if "${own[@]}" true 2>/dev/null; then
        "${own[@]}" bash -ec '
            for switch in /proc/sys/net/ipv6/conf/{all,default,lo}/disable_ipv6; do [ ! -e "$switch" ] || echo 1 >"$switch"; done
            python3 -c "import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # SIOCSIFFLAGS: up and running
    fcntl.ioctl(s, 0x8914, struct.pack(\"16sh14x\", b\"lo\", 0x1 | 0x40))"
            exec "$@"' without_ipv6 "$@"
    else
        echo "anywhere: no network of our own is allowed here, so IPv6 stays"
        "$@"
    fi
}

foreign() {
    local folder="$tmp/a folder/axond"
    copy_tree "$folder" && mkdir "$tmp/locales" || return
    localedef -i de_DE -f UTF-8 "$tmp/locales/de_DE.UTF-8" >/dev/null 2>&1 || echo "anywhere: no German locale can be made here"
    (cd "$folder" && without_ipv6 env -u LC_ALL LANG=de_DE.UTF-8 LOCPATH="$tmp/locales" OPENBLAS_CORETYPE=Nehalem \
        AXOND_LISTEN=192.0.2.1:1 AXOND_MODELS=/nowhere AXOND_THREADS=1 AXOND_LOG_LEVEL=error AXOND_ROWS_MAX=1 \
        make --no-print-directory -j"$(nproc)" ${T:+T="$T"} SAN="${SAN:-}" test)
}

summary=()
failed=0
for condition in "${conditions[@]}"; do
    log=$B/anywhere-$condition.log
    start=$SECONDS verdict=PASS
    printf '\n== %s\n' "$condition"
    "${condition//-/_}" >"$log" 2>&1 || verdict=FAIL failed=1
    grep -vE '^  (PASS|CC|LINK|AR|MAN) ' "$log" || true
    summary+=("$(printf '  %-5s %-9s %5d s  %s' "$verdict" "$condition" $((SECONDS - start)) "$(grep -E '^[0-9]+ passed, ' "$log" | tail -n 1)")")
done
printf '\n'
printf '%s\n' "${summary[@]}"
exit "$failed"
