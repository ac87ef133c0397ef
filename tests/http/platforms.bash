# shellcheck shell=bash disable=SC2154,SC2034 # lib.sh sets tmp and reads address and base
# platforms.bash - a machine of its own for the tests of platforms: no network but its loopback, and an empty /opt and /mnt, so
# that a platform's own ports and folders can be used as they are. Sourced by t43*.sh before lib.sh.
#
#   container "$0"                    go on in it (skips the test where the kernel refuses)
#   run_image [NAME=VALUE...] -- [args]    start the daemon as the image does; sets $pid; log in $tmp/log
#   at ADDRESS                        where req asks from now on

container() {
    [ -z "${TEST_CONTAINER-}" ] || return 0
    local flags=(--mount --net)
    [ "$(id -u)" = 0 ] || flags+=(--user --map-root-user)
    if ! unshare "${flags[@]}" true 2>/dev/null; then
        echo "1..0 # SKIP the kernel refuses namespaces"
        exit 0
    fi
    # shellcheck disable=SC2016 # the inner shell expands them
    exec unshare "${flags[@]}" env TEST_CONTAINER=1 bash -c '
        ip link set lo up && mount -t tmpfs none /opt && mount -t tmpfs none /mnt && exec "$@"' container bash "$1"
}

is_serving() { grep -qE 'event=(not_)?ready' "$tmp/log" || ! kill -0 "$pid" 2>/dev/null; }

# The image sets AXOND_LISTEN.
run_image() {
    local variables=(AXOND_LISTEN=0.0.0.0:8000)
    while [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    shift
    [ -z "$pid" ] || stop TERM
    [ ! -e "$tmp/log" ] || mv "$tmp/log" "$tmp/log.$daemons"
    daemons=$((daemons + 1))
    : >"$tmp/log"
    env -u LC_ALL "${variables[@]}" "$BIN" "$@" 2>"$tmp/log" &
    pid=$!
    wait_for 300 is_serving
}

at() { address=$1 base=http://$1; }
