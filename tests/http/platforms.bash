# shellcheck shell=bash disable=SC2154,SC2034 # lib.sh sets tmp and reads address and base
# platforms.bash - a machine of its own for the tests of platforms: no network but its loopback, and an empty /opt, /mnt and /var,
# so that a platform's own ports and folders can be used as they are. Sourced by t43*.sh before lib.sh.
#
#   container "$0"                    go on in it (skips the test where the kernel refuses)
#   run_image [NAME=VALUE...] -- [args]    start the daemon as the image does; sets $pid; log in $tmp/log
#   at ADDRESS                        where req asks from now on
#   ends_well PATH BODY JQ            SIGTERM while the request's body is on its way: it is answered, and that is the end

container() {
    [ -z "${TEST_CONTAINER-}" ] || return 0
    local flags=(--mount --net)
    [ "$(id -u)" = 0 ] || flags+=(--user --map-root-user)
    # shellcheck disable=SC2016 # the inner shell expands them
    local enter=(unshare "${flags[@]}" env TEST_CONTAINER=1 bash -c '
        ip link set lo up && mount -t tmpfs none /opt && mount -t tmpfs none /mnt && mount -t tmpfs none /var && exec "$@"' container)
    if ! "${enter[@]}" true 2>/dev/null; then
        echo "1..0 # SKIP there are no namespaces for whoever runs this"
        exit 0
    fi
    exec "${enter[@]}" bash "$1"
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

# The daemon has half of the body when it is told to end, and gets the rest after it has said that it does.
ends_well() {
    local path=$1 payload=$2 wanted=$3 half reply
    half=$((${#payload} / 2))
    exec 9<>"/dev/tcp/${address%:*}/${address#*:}" || return
    printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$path" "${#payload}" "${payload:0:half}" >&9
    wait_for 100 is_busy && kill -s TERM "$pid" && wait_for 100 grep -q event=draining "$tmp/log" || return
    printf '%s' "${payload:half}" >&9
    reply=$(timeout 30 cat <&9 | tr -d '\r' | sed '1,/^$/d')
    exec 9>&-
    jq -e "$wanted" <<<"$reply" >/dev/null || { echo "# $reply"; return 1; }
    stop TERM
    [ "$exit_status" = 0 ] && awk -v s="$stop_seconds" 'BEGIN { exit !(s < 30) }'
}

# A body is being read: the connection's bytes have left the socket's queue.
is_busy() { metric axond_http_requests_in_flight | grep -qx '[2-9]'; }
