#!/usr/bin/env bash
# Makes build/perf-analyzer/root, a minimal Debian 13 with perf_analyzer in it: the program comes from PyPI and needs glibc 2.38.
# The file `complete` beside it says that it is there; the file `missing` else says why not.
set -u
cd "$(dirname "$0")/../.." || exit 1
. docker/debian.bash
version=2.60.0
folder=build/perf-analyzer

missing() {
    echo "$1" >$folder/missing
    echo "test-clients: no perf_analyzer: $1"
    exit 0
}

mkdir -p $folder
[ "$(cat $folder/complete 2>/dev/null)" != $version ] || exit 0
rm -rf --one-file-system $folder/complete $folder/missing $folder/root $folder/wheel
[ "$(id -u)" = 0 ] || missing "only root makes a Debian 13 root"
[ "$(uname -m)" = x86_64 ] || missing "it is there for x86-64 alone"
command -v mmdebstrap >/dev/null || missing "mmdebstrap is not installed (.ci/deps bare)"
build/venv-clients/bin/pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --platform manylinux_2_38_x86_64 \
    --python-version 3.13 -d $folder/wheel perf-analyzer==$version || missing "PyPI cannot be reached"
debian_base trixie || missing "mmdebstrap makes no Debian 13"
mkdir $folder/root
tar -xpf build/debian/trixie.tar -C $folder/root || missing "the root cannot be unpacked"
python3 -m zipfile -e $folder/wheel/*.whl $folder/wheel
install -m 755 $folder/wheel/perf_analyzer/bin/perf_analyzer $folder/root/usr/local/bin/
chroot $folder/root perf_analyzer --version >$folder/version 2>&1 || missing "it does not run: $(tail -n 1 $folder/version)"
echo $version >$folder/complete
