#!/usr/bin/env bash
# `make install` gives a daemon that finds its models, a libaxon that others can build with, and manual pages.
. "$(dirname "$0")/lib.sh"

if [ -n "${SAN:-}" ]; then
    skip "make install" "a sanitizer build is not for installing"
    done_testing
    exit
fi

prefix=$tmp/root/usr/local
make_install() { env -u MAKEFLAGS -u MAKELEVEL make -s install B="$B" DESTDIR="$tmp/root" >"$tmp/install" 2>&1 || { cat "$tmp/install"; false; }; }
ok "make install into DESTDIR" make_install
ok "the daemon is there" test -x "$prefix/bin/axond"
BIN=$prefix/bin/axond
ok "the installed models load" "$BIN" --models "$prefix/share/axond/models" --check-config

# ---- a program of somebody else's ----

flags() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --define-variable=prefix="$prefix" "$@" axon; }
# compile SOURCE PROGRAM [-static]
compile() {
    # shellcheck disable=SC2046,SC2086 # flags are words
    "${CC:-gcc}" -std=c11 -Wall -Wextra -Wpedantic -Werror ${3:-} -o "$2" "$1" $(flags ${3:+--static} --cflags --libs)
}
shared() { LD_LIBRARY_PATH=$prefix/lib "$@"; }
truth='0 xor 0 = 0.000
0 xor 1 = 1.000
1 xor 0 = 1.000
1 xor 1 = 0.000'

ok "pkg-config axon is all that a program needs" compile tests/example/xor.c "$tmp/shared"
ok "and the program computes" test "$(shared "$tmp/shared")" = "$truth"
needs_soname() { readelf -dW "$tmp/shared" | grep -q 'NEEDED.*\[libaxon\.so\.2\]'; }
ok "it needs libaxon.so.2" needs_soname
versioned() { readelf -VW "$tmp/shared" | grep -q 'AXON_2\.0'; }
ok "it asks for symbols of AXON_2.0" versioned

if "${CC:-gcc}" -static -nostdlib -Wl,-r -o /dev/null -l:libm.a 2>/dev/null; then
    ok "pkg-config --static axon too" compile tests/example/xor.c "$tmp/static" -static
    ok "and that program computes" test "$("$tmp/static")" = "$truth"
    ok "it needs no shared library" test -z "$(readelf -dW "$tmp/static" | grep NEEDED)"
else
    skip "pkg-config --static axon" "no libm.a here"
fi

awk '$0 == "```" { inside = 0 } inside; $0 == "```c" { inside = 1 }' include/axon/README.md >"$tmp/hello.c"
# shellcheck disable=SC2016 # backquotes of Markdown
printed=$(sed -nE 's/^`cc hello\.c .*` prints `([^`]*)`.*/\1/p' include/axon/README.md)
ok "the program in include/axon/README.md compiles" compile "$tmp/hello.c" "$tmp/hello"
ok "and prints what stands there" test "$(shared "$tmp/hello")" = "${printed:?}"

# ---- manual pages ----

manual=$prefix/share/man
if command -v man >/dev/null; then
    ok "man finds a function's page" man -M "$manual" -w 3 axon_mlp_predict
    ok "man finds axond's" man -M "$manual" -w 8 axond
    ok "and that of its commands" man -M "$manual" -w 1 axond
    quiet() { [ -z "$(find "$manual" -type f -exec man --warnings -E UTF-8 -l {} \; 2>&1 >"$tmp/pages")" ] && [ -s "$tmp/pages" ]; }
    ok "man renders each without a warning" quiet
else
    skip "man finds the pages" "man is not installed"
fi
if command -v mandoc >/dev/null; then
    lint() { find "$manual" -type f -exec mandoc -T lint -W warning {} +; }
    ok "mandoc has nothing to say" lint
else
    skip "mandoc has nothing to say" "mandoc is not installed"
fi
option_in_manual() {
    local flag
    for flag in $("$BIN" --help | grep -oE '^  --[a-z-]+'); do
        grep -qF "${flag//-/\\-}" <(sed 's/^\.It Fl /\\-/' "$manual/man8/axond.8") || { echo "# $flag"; return 1; }
    done
}
ok "axond(8) has every option" option_in_manual
command_in_manual() {
    local command flag
    for command in predict apply inspect baseline compact replay; do
        grep -qx "\.Sh ${command^^}" "$manual/man1/axond.1" || { echo "# $command"; return 1; }
        for flag in $("$BIN" "$command" --help | grep -oE '^  --[a-z-]+'); do
            sed -n "/^\.Sh ${command^^}$/,/^\.Sh /p" "$manual/man1/axond.1" | grep -qF ".It Fl ${flag//-/\\-}" ||
                grep -qF ".It Fl $(sed 's/^-//; s/-/\\-/g' <<<"$flag")" "$manual/man1/axond.1" || { echo "# $command $flag"; return 1; }
        done
    done
}
ok "axond(1) has every command and what it takes" command_in_manual

# ---- completion ----

# completes WANT WORD...: of the last word, which is being typed
completes() {
    local want=$1
    shift
    # shellcheck disable=SC1091,SC2016 # the words of another shell
    got=$(bash -c '. "$0"; COMP_WORDS=(axond "$@"); COMP_CWORD=$#; _axond; echo "${COMPREPLY[*]}"' \
        "$prefix/share/bash-completion/completions/axond" "$@")
    [ "$got" = "$want" ] || { echo "# $got"; return 1; }
}
ok "bash completes a command" completes predict pre
ok "a flag of it" completes '--top-k' predict digits --to
ok "but not of another one" completes '' replay digits --to
ok "an option" completes '--models' predict digits --models
ok "the value of a flag" completes 'ndjson npy' predict --format n
ok "the value of an option" completes 'warn' --log-level w
ok "a model" completes 'digits' predict --models "$prefix/share/axond/models" di
done_testing
