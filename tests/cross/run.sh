#!/usr/bin/env bash
# run.sh - libaxon for aarch64: cross-compiled with warnings as errors, its unit tests under qemu-user.
#
# The compiler, libc and qemu come from Debian's cross packages (make target deps-cross). check and
# OpenBLAS for arm64 are fetched as .deb files by an apt that has lists and a cache of its own and are
# unpacked into build/aarch64/sysroot: no foreign architecture is added to this machine, and no root is
# needed. T=name runs only the tests whose name holds it.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$PWD/build/aarch64
sysroot=$build/sysroot
triplet=aarch64-linux-gnu
packages=(check libsubunit-dev libsubunit0 libopenblas-pthread-dev libopenblas0-pthread libgfortran5)

# The version of OpenBLAS is the distribution's: the one that the headers here belong to.
fetch() {
    local apt=$build/apt
    local options=(-q -o APT::Architecture=arm64 -o APT::Architectures=arm64
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Dir::State::status=/dev/null
        -o APT::Sandbox::User= -o Debug::NoLocking=1)

    rm -rf "$apt" "$sysroot"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$sysroot"
    apt-get "${options[@]}" update
    (cd "$apt" && apt-get "${options[@]}" download "${packages[@]}")
    for deb in "$apt"/*.deb; do
        dpkg -x "$deb" "$sysroot"
    done
    rm -rf "$apt"
    touch "$sysroot/.complete"
}

mkdir -p "$build"
if [ ! -e "$sysroot/.complete" ]; then
    echo "  APT     ${packages[*]} (arm64, into build/aarch64/sysroot)"
    fetch >"$build/fetch.log" 2>&1 || { cat "$build/fetch.log" >&2; exit 1; }
fi

libraries=$sysroot/usr/lib/$triplet
export PKG_CONFIG_SYSROOT_DIR=$sysroot
export PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$libraries/openblas-pthread/pkgconfig

tests=()
for source in tests/unit/test_lib_*.c; do
    name=$(basename "$source" .c)
    if [[ $name == *${T:-}* ]]; then tests+=("$name"); fi
done
targets=("${tests[@]/#/build/aarch64/tests/unit/}")

make -s --no-print-directory B=build/aarch64 CC=$triplet-gcc AR=$triplet-ar PKGCONF=pkg-config \
    PKGS=openblas WERROR=1 LDFLAGS="-pie -pthread -Wl,-rpath-link,$libraries" \
    build/aarch64/libaxon.a "${targets[@]}"

export QEMU_LD_PREFIX=/usr/$triplet
export QEMU_SET_ENV=LD_LIBRARY_PATH=$libraries:$libraries/openblas-pthread
failed=0
for target in "${targets[@]}"; do
    qemu-aarch64 "$target" || failed=1
done
exit $failed
