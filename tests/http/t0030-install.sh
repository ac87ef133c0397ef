#!/usr/bin/env bash
# `make install` gives a daemon that finds its models, and a libaxon that others can build with.
. "$(dirname "$0")/lib.sh"

if [ -n "${SAN:-}" ]; then
    skip "make install" "a sanitizer build is not for installing"
    done_testing
    exit
fi

root=$tmp/root
make_install() { env -u MAKEFLAGS -u MAKELEVEL make -s install B="$B" DESTDIR="$root" >"$tmp/install" 2>&1; }
ok "make install into DESTDIR" make_install
ok "the daemon is there" test -x "$root/usr/local/bin/axond"

cat >"$tmp/example.c" <<'END'
#include <stdio.h>
#include <axon/activation.h>

int main(void)
{
    const struct axon_activation *relu = axon_activation_find("relu");
    float x[] = {-1, 2};

    if (!relu || axon_activation_forward(relu, x, x, (struct axon_axis){1, 2, 1}, NULL, 0) != AXON_OK)
        return 1;
    printf("%g %g\n", (double)x[0], (double)x[1]);
    return 0;
}
END
axon_flags() {
    PKG_CONFIG_PATH=$root/usr/local/lib/pkgconfig pkg-config --define-variable=prefix="$root/usr/local" "$@" axon
}
compile() {
    # shellcheck disable=SC2046 # flags are words
    "${CC:-gcc}" -std=c11 -Wall -Werror $(axon_flags --cflags) -o "$tmp/example" "$tmp/example.c" $(axon_flags --libs)
}
ok "pkg-config axon is all that a program needs" compile
ok "and the program computes" test "$("$tmp/example")" = "0 2"

BIN=$root/usr/local/bin/axond
ok "the installed models load" "$BIN" --models "$root/usr/local/share/axond/models" --check-config
done_testing
