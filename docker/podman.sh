#!/usr/bin/env bash
# podman.sh - build both images of docker/Dockerfile and run them as operations do, without a registry.
#
# The Debian base is made from the mirror that this machine's apt uses; everything stays in build/debian and
# build/podman (a second run takes the base from there). The containers have no network but their own loopback, which
# this script enters to talk to them. Needs root. TAP on standard output.
# Skips (exit 0) only where the tools are missing or the kernel refuses containers.
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/debian.bash

work=$PWD/build/podman
base_image=docker.io/library/debian:trixie-slim
digit_rows=configs/examples/digit.json
digit=2                  # what that file shows
tests=0 failed=0 container=

skip() { echo "1..0 # SKIP $*"; exit 0; }
note() { sed 's/^/# /'; }

ok() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@" >"$work/out" 2>&1; then
        echo "ok $tests - $name"
    else
        failed=$((failed + 1))
        echo "not ok $tests - $name"
        { echo "command: $*"; cat "$work/out"; } | note
    fi
}

# podman without systemd complains that it cannot set a timer for the health check; we run it by hand.
pod() { podman "$@" 2> >(grep -v 'unable to get systemd connection' >&2); }

least() { # least HARD-LIMIT N: a limit that is allowed here
    if [ "$1" = unlimited ] || [ "$1" -gt "$2" ]; then echo "$2"; else echo "$1"; fi
}

configure() {
    local files processes
    # No more than our own limits, or the runtime may not set them.
    files=$(least "$(ulimit -Hn)" 16384)
    processes=$(least "$(ulimit -Hu)" 4096)
    mkdir -p "$work"
    cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
CONF
    cat >"$work/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$work/storage"
runroot = "$work/run"
CONF
    export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
    limits=(--ulimit "nofile=$files:$files" --ulimit "nproc=$processes:$processes")
}

cleanup() {
    local status=$?
    [ -z "$container" ] || pod rm -f "$container" >/dev/null 2>&1 || true
    # podman leaves its storage mounted, and then `make clean` could not remove it.
    umount "$work/storage/overlay" 2>/dev/null || true
    exit "$status"
}

import_base() {
    pod image exists "$base_image" && [ "$work/base.id" -nt build/debian/trixie.tar ] && return 0
    pod import --quiet build/debian/trixie.tar "$base_image" >"$work/base.id"
}

build() { # build TARGET
    pod build --pull=never --network host --format docker "${limits[@]}" -f docker/Dockerfile \
        --ignorefile docker/Dockerfile.dockerignore --target "$1" -t "localhost/axond:$1" \
        --build-arg REVISION="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)" \
        --build-arg VERSION="$(sed -n 's/^VERSION *:= *//p' Makefile)" .
}

# A program of this machine in the container's network, which is a loopback of its own.
inside() { nsenter --net --target "$(podman inspect -f '{{.State.Pid}}' "$container")" "$@"; }
get() { inside curl -sS --fail-with-body --max-time 10 "http://127.0.0.1:8000$1" "${@:2}"; }

containers_work() { # one that only sleeps, and its network can be entered
    container=$(pod run -d --pull=never --network none "${limits[@]}" "$base_image" sleep 60) &&
        inside true && pod rm -f -t 0 "$container" >/dev/null
}

start() { # start TARGET
    container=$(pod run -d --pull=never --network none --read-only --cap-drop ALL \
        --security-opt no-new-privileges --memory 512m "${limits[@]}" "localhost/axond:$1")
}

healthy() {
    for _ in $(seq 50); do
        pod healthcheck run "$container" && return 0
        sleep 0.1
    done
    pod logs "$container"
    return 1
}

digit_is_recognised() {
    get /v1/models/digits:predict --data-binary "@$digit_rows" |
        jq -e --argjson digit "$digit" '.predictions[0] | index(max) == $digit'
}

relu_is_right() {
    get /v1/activations/relu -d '{"data": [[-1, 2.5], [0, -3]]}' |
        jq -e '.data == [[0, 2.5], [0, 0]]'
}

metrics_are_sound() {
    local found
    get /metrics >"$work/metrics" || return
    found=$(promtool check metrics <"$work/metrics" 2>&1) && [ -z "$found" ] && return
    echo "$found"
    return 1
}

dead_neurons_are_counted() { # one digit is no evidence that a unit is dead, but that some are silent
    get /metrics | grep -E '^axond_silent_unit_ratio\{model="digits",.*layer="hidden1".*\} 0\.[0-9]+$' &&
        get /metrics | grep -E '^axond_dead_relu_ratio\{model="digits",.*layer="hidden1".*\} NaN$'
}

runs_as_nobody_with_nothing() {
    local status
    status=/proc/$(podman inspect -f '{{.State.Pid}}' "$container")/status
    grep -P '^Uid:\t65532\t65532\t65532\t65532$' "$status" &&
        grep -P '^CapEff:\t0{16}$' "$status" && grep -P '^NoNewPrivs:\t1$' "$status" &&
        [ "$(podman inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$container")" = true ]
}

stops_with() { # stops_with SIGNAL-COMMAND...: exit 0, and the log tells of the drain
    "$@" >/dev/null
    pod wait "$container" >/dev/null
    pod logs "$container" >"$work/log" 2>&1
    cat "$work/log"
    [ "$(podman inspect -f '{{.State.ExitCode}}' "$container")" = 0 ] && grep -qi drain "$work/log"
}

labels_and_signal() { # labels_and_signal TARGET
    podman image inspect "localhost/axond:$1" | jq -e '.[0] |
        .Config.User == "65532:65532" and .Config.StopSignal == "SIGTERM" and .Config.Entrypoint == ["/usr/bin/axond"]
        and (.Config.ExposedPorts | has("8000/tcp")) and .Healthcheck.Test == ["CMD", "/usr/bin/axond", "--health"]
        and (.Labels["org.opencontainers.image.version"] | test("^[0-9]+[.]"))
        and .Labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
        and .Labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"'
}

check() { # check TARGET
    ok "$1: user, entry point, stop signal, port, health check and labels are set" labels_and_signal "$1"
    start "$1"
    ok "$1: healthy with a read-only root, no capabilities, no new privileges" healthy
    ok "$1: the process is uid 65532, without capabilities" runs_as_nobody_with_nothing
    ok "$1: a handwritten $digit is recognised" digit_is_recognised
    ok "$1: relu over the activation endpoint" relu_is_right
    ok "$1: the dead-ReLU ratio is in /metrics" dead_neurons_are_counted
    if command -v promtool >/dev/null; then
        ok "$1: promtool finds nothing in /metrics" metrics_are_sound
    fi
    ok "$1: podman stop drains and exits 0" stops_with pod stop -t 30 "$container"
    pod rm -f "$container" >/dev/null
    container=
}

size() { # size TARGET
    local bytes packed
    bytes=$(podman image inspect -f '{{.Size}}' "localhost/axond:$1")
    packed=$(pod save --format docker-archive "localhost/axond:$1" | gzip | wc -c)
    awk -v t="$1" -v b="$bytes" -v p="$packed" \
        'BEGIN { printf "# size %-8s %6.1f MB, compressed %6.1f MB\n", t, b / 1e6, p / 1e6 }'
}

[ "$(id -u)" = 0 ] || skip "needs root"
for tool in podman runc mmdebstrap curl jq nsenter; do
    command -v "$tool" >/dev/null || skip "$tool is not installed (.ci/deps docker)"
done
configure
trap cleanup EXIT
[ -n "$(debian_mirror)" ] || skip "apt on this machine knows no Debian mirror"
debian_base trixie
{ import_base && containers_work; } >"$work/out" 2>&1 || {
    refusal=$(cat "$work/out")
    # These are the kernel's words when it will not mount, unshare or limit; anything else is our own mistake.
    grep -qiE 'not permitted|permission denied|not supported|not implemented|no such device|invalid argument' <<<"$refusal" &&
        skip "this kernel refuses containers: $(tail -n1 <<<"$refusal")"
    note <<<"$refusal"
    echo "Bail out! no container runs from the base image"
    exit 1
}
container=

# The build stage gets a name, too: what has a name stays as the next run's cache, the rest is pruned.
for target in build run minimal; do
    build "$target" >"$work/build-$target.log" 2>&1 || {
        tail -n 40 "$work/build-$target.log" | note
        echo "Bail out! the image '$target' does not build (build/podman/build-$target.log)"
        exit 1
    }
done
pod image prune -f >"$work/pruned"
for target in run minimal; do check "$target"; done
for target in run minimal; do size "$target"; done
echo "1..$tests"
[ "$failed" = 0 ]
