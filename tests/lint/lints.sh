#!/usr/bin/env bash
# The lints themselves: each finds what is planted for it, in a copy of the tree. A lint that cannot fail protects nothing.
. "$(dirname "$0")/lib.bash"

: "${B:?build folder}"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -co --exclude-standard -- ':!tests/http' ':!tests/unit' ':!tests/api/*/reply' ':!tests/api/models' ':!tests/data' | while read -r path; do [ ! -f "$path" ] || printf '%s\n' "$path"; done |
    tar -c -f - -T - | tar -x -f - -C "$copy" || exit 1
git=(git -C "$copy" -c user.name=lints -c user.email=lints@localhost -c core.hooksPath=/dev/null)
"${git[@]}" init -q && "${git[@]}" add -Af && "${git[@]}" commit -qm copy || exit 1
mkdir -p "$copy/build"
cp -R "$B/gen" "$copy/build/" 2>/dev/null

# expect LINT OUTPUT FILE WANT...: a line of OUTPUT names FILE and what the pattern WANT says
expect() {
    grep '^# ' <<<"$2" | grep -F -- "$3" | grep -qE -- "$4" || echo "$1.sh: silent about: $3: $4"
}

# plant LINT: the rows of standard input, FILE@TEXT@WANT or FILE@TEXT@PLACE@WANT, all into the copy; then LINT must
# fail, and say WANT of FILE, or of PLACE
plant() {
    local lint=$1 file text place want out rows=()
    mapfile -t rows
    for row in "${rows[@]}"; do
        IFS=@ read -r file text _ <<<"$row"
        [[ $file != */* ]] || mkdir -p "$copy/${file%/*}"
        printf '%b\n' "$text" >>"$copy/$file"
        "${git[@]}" add -f -- "$file"
    done
    out=$(cd "$copy" && B=build "tests/lint/$lint.sh" 2>&1) && echo "$lint.sh: exit 0"
    for row in "${rows[@]}"; do
        IFS=@ read -r file text place want <<<"$row"
        [ -n "$want" ] || want=$place place=$file
        expect "$lint" "$out" "$place" "$want"
    done
    "${git[@]}" reset -q --hard
}

layers_found() {
    plant layers <<'END'
lib/gemm.c@#include <stdio.h>@the core must not include
lib/mlp.c@#include <cblas.h>@only lib/gemm.c
lib/mlp.c@#include <pthread.h>@the core must not include
lib/mlp.c@#include "base/buf.h"@lib must not include base
lib/mlp.c@static int f(void) { return getenv("X") != 0; }@getenv
lib/kernels/vmath.h@#include "gemm.h"@kernels must not include lib
include/axon/mlp.h@#include <stdio.h>@public face
server/base/buf.c@#include "tensor/tensor.h"@base must not include tensor
server/api/api.c@#include <microhttpd.h>@only server/http
server/api/api.c@#include "http/http.h"@api must not include http
server/api/api.c@#include "model/scan.h"@internal to model
server/tensor/tensor_read.c@#include "api/api.h"@tensor must not include api
server/tensor/tensor_read.c@#include "model/model.h"@tensor must not include model
server/model/model.c@#include "api/api.h"@model must not include api
server/http/http.c@#include <jansson.h>@only
server/http/http.c@#include "nothing/there.h"@no such file
server/magic/magic.c@#include "base/buf.h"@in no known zone
END
}

headers_found() {
    plant headers <<'END'
server/bad.h@#ifndef BAD_H\n#define BAD_H\nsize_t f(void);\n#endif@size_t
server/bad2.h@struct bad { int x; };@no guard
server/bad3.h@#ifndef BASE_BUF_H\n#define BASE_BUF_H\n#endif@guard BASE_BUF_H is that of
include/axon/bad.h@#ifndef BAD_H\n#define BAD_H\n#include <stddef.h>\ntypeof(1) f(void);\n#endif@error
END
}

sizes_found() {
    plant sizes <<END
server/main.c@$(printf '//\\n%.0s' {1..120})@at most 120
server/bad.c@$(printf '//\\n%.0s' {1..501})@at most 500
server/bad.c@// $(printf 'x%.0s' {1..98})@longer than 100
server/bad.def@// $(printf 'x%.0s' {1..138})@longer than 140
server/bad.c@int f(void)\n{\n$(printf '//\\n%.0s' {1..60})}@f\(\) has 60 lines
END
}

banned_found() {
    local out
    {
        cat <<'END'
server/bad.c@void *f(int n) { return alloca(n); }@alloca
server/bad.c@void f(char *a) { strcat(a, "b"); }@strcat
server/bad.c@int f(char *a) { return sprintf (a, "b"); }@sprintf
lib/bad.c@int f(char *a) { return atoi(a); }@atoi
lib/bad.c@int f(void) { return rand(); }@rand
server/bad.c@char *f(char *a) { return strtok(a, "b"); }@strtok
server/bad.c@void *f(char *a) { return json_loads(a, 0, 0); }@json_loads
server/model/bad.c@void *f(char *a) { return json_load_file(a, 0, 0); }@json_load_file
server/bad.c@void f(void) { setlocale(LC_ALL, ""); }@setlocale
tests/bad.c@int f(void) { return system("x"); }@system
END
        printf 'server/bad.c@/* TO%s: later */@later\n' DO # not in one word, or this line would be found, too
    } | plant banned
    sed -i 's/-Wvla//' "$copy/Makefile"
    out=$(cd "$copy" && tests/lint/banned.sh)
    expect banned "$out" Makefile -Wvla
    "${git[@]}" reset -q --hard
}

format_found() {
    plant format <<'END'
server/bad.c@int   f(void){return 1;}@clang-format would
lib/bad.c@/* ---- section\n * ------- */@a ruler takes one line
END
}

shell_found() {
    plant shell <<'END'
tests/bad.sh@#!/bin/bash\necho $1@SC2086
tests/bad.sh@#!/bin/bash\necho@not executable
tests/bad2.sh@echo@no #!
configs/bad.py@def f(:@invalid syntax
END
}

static_found() {
    local tree=$copy/static out
    mkdir -p "$tree/tests" "$tree/lib" && cp -R tests/lint "$tree/tests/" && cp .clang-tidy "$tree/" && git -C "$tree" init -q
    printf '#include <stdlib.h>\nint f(int n);\nint f(int n)\n{\n    int *p = NULL;\n    return n ? *p : 0;\n}\n' >"$tree/lib/tidy.c"
    printf 'int g(void);\nint g(void)\n{\n    int a[2] = {0};\n    return a[2];\n}\n' >"$tree/lib/check.c"
    out=$(cd "$tree" && B=build tests/lint/static.sh) && echo "static.sh: exit 0"
    grep -q '^# lib/tidy.c:6: .*null pointer' <<<"$out" || echo "clang-tidy: silent about a null pointer"
    grep -q '^# lib/check.c:5: .*out of bounds' <<<"$out" || echo "cppcheck: silent about an index"
}

tracked_found() {
    plant tracked <<END
bad.txt@x@top level
tests/bad.o@x@build product
tests/bad@\x7fELF@compiled
tests/bad file@x@only A-Z
server/bad.c@x\r@CR LF
tests/bad.json@$(head -c 1048577 /dev/zero | tr '\0' x)@at most 1 MiB
END
}

docs_found() {
    plant docs <<'END'
server/options/options.def@OPT_TEXT(bad, "", "", "x")@nothing uses bad
server/metrics/metrics.def@METRIC(bad, GAUGE, GLOBAL, "", "x")@nothing uses bad
server/base/errors.def@ERR(BAD, 400, "x")@nothing uses BAD
server/api/headers.def@REQUEST_HEADER(BAD, "Bad", KEPT)@nothing uses BAD
server/api/headers.def@REPLY_HEADER(BAD, "Bad")@nothing uses BAD
server/weights/formats.def@READ("weights.bad", bad_read)@tests/fuzz@nothing tries bad_read
server/api/routes.def@ROUTE("/bad", health_live, NULL, PUBLIC, JSON, "")@openapi.json@lacks /bad GET
server/api/routes.def@ROUTE("/bad", health_live, NULL, PUBLIC, JSON, "")@tests/api@no case asks for GET /bad
lib/dialect.def@DIALECT(bad, "x")@openapi.json@lacks the dialect bad
server/base/errors.def@ERR(BAD, 400, "x")@openapi.json@lacks the error code bad
lib/loss.def@NUMBER("bad", "x", 0, 0, 1)@openapi.json@lacks the option bad
server/bad/bad.c@x@server/bad/README.md@missing
server/model/README.md@[x](nowhere.md)@leads nowhere
server/model/README.md@[x](../../README.md#nowhere)@no such section
server/model/README.md@`server/nowhere.c`@there is no server/nowhere.c
server/model/README.md@`make nothing`@make has no target nothing
server/model/README.md@```\ncurl x\n```@which nothing runs
server/model/README.md@```json\n{1}\n```@json: 
Makefile@VERSION := 9@server/CHANGELOG.md@the newest version is
docker/kubernetes.yaml@httpGet: {path: /nowhere, port: 1}@no route /nowhere
configs/bad.json@{}@no test loads it
END
}

english_found() {
    local out
    plant english <<'END'
lib/bad.c@/* A thing.\n * What it is nobody says. */@What it is nobody
lib/bad.c@int x; // Of rows, theirs.@Of rows
server/bad.def@/* Whose it is. */@Whose it is
tests/bad.sh@# Behind that comes more.@Behind that
tests/bad.py@"""What it does."""@What it does
README.md@- What comes here.@What comes
server/README.md@`a` is one.\n`b` is two. What `?c=` does.@What `_c=` does
END
    sed -i 's/^most=.*/most=9999/' "$copy/tests/lint/english.sh"
    out=$(cd "$copy" && tests/lint/english.sh)
    [[ $out == *'lower it'* ]] || echo "english.sh: silent about a number that is too large"
    "${git[@]}" reset -q --hard
}

tables_found() {
    local out name
    printf 'ERR(BAD, 400, "x")\n' >>"$copy/server/base/errors.def"
    printf 'OPT_TEXT(bad, "", "", "x")\n' >>"$copy/server/options/options.def"
    printf 'METRIC(bad, GAUGE, GLOBAL, "", "x")\n' >>"$copy/server/metrics/metrics.def"
    printf 'ACT(bad, SMOOTH, ALIASES(), "x", "x", "1", "R", PARAMETERS(), "he_normal", 1.0, "x", 0.0f, ZEROS(never), OPEN, "x", "x", "x")\n' \
        >>"$copy/lib/activation.def"
    printf 'MEANS(jax, relu6, relu, "x")\n' >>"$copy/lib/dialect.def"
    sed -i '/^ROUTE("\/metrics"/d' "$copy/server/api/routes.def"
    printf 'ROUTE("/bad", health_live, NULL, PUBLIC, JSON, "")\n' >>"$copy/server/api/routes.def"
    out=$(cd "$copy" && tests/lint/tables.py) && echo "tables.py: exit 0"
    for name in activations dialects errors options metrics routes; do
        grep -q "^not ok .* table of $name " <<<"$out" || echo "tables.py: silent about $name"
    done
    "${git[@]}" reset -q --hard
}

# A row is missing, one keeps no promise; a promise is not the registry's.
accuracy_found() {
    local out want
    sed -i '0,/^| relu |/{/^| relu |/d}; s/^| tanh | [^|]*| [^/]*/| tanh | 1 | 3.25 /; s/^\(| silu |\) [^|]*/\1 77 /' "$copy/lib/README.md"
    out=$(cd "$copy" && tests/lint/accuracy.sh) && echo "accuracy.sh: exit 0"
    for want in 'relu: not in both' 'tanh: 3.25' 'silu: .* promise of 77'; do
        grep -q "^# .*$want" <<<"$out" || echo "accuracy.sh: silent about: $want"
    done
    "${git[@]}" reset -q --hard
}

# The build as it is, with one bad object more and a daemon that is built without any care.
symbols_found() {
    local built=$copy/built out want
    mkdir -p "$built/lib"
    cp -R "$B/lib/kernels" "$built/lib/" && cp "$B/libaxon.a" "$built/" && cp -RP "$B/man" "$built/"
    rm "$built/man/axon_mlp_destroy.3" && sed -i '/^The activation of that name/,/^\.Ss/{/^[^.]/d}' "$built/man/axon_activation.3"
    printf '#include <stdlib.h>\nint count;\nint bad(void);\nint bad(void) { return getenv("X") ? count++ : 0; }\n' >"$built/bad.c"
    printf 'int axon_bad(void);\nint axon_bad(void) { return 0; }\n' >"$built/bad2.c"
    printf 'int main(void) { return 0; }\n' >"$built/main.c"
    gcc -c -o "$built/bad.o" "$built/bad.c" && gcc -c -o "$built/bad2.o" "$built/bad2.c" &&
        gcc -shared -o "$built/libaxon.so.2" "$built/main.c" -Wl,--no-as-needed -lresolv &&
        ar r "$built/libaxon.a" "$built/bad.o" "$built/bad2.o" && cp "$built/bad.o" "$built/lib/kernels/kernels.bad.o" &&
        gcc -no-pie -fno-stack-protector -z execstack -z norelro -Wl,--no-as-needed -o "$built/axond" "$built/main.c" -lrt -lutil
    out=$(B=$built BIN=$built/axond tests/lint/symbols.sh) && echo "symbols.sh: exit 0"
    for want in 'bad.o: exports bad' 'bad2.o: axon_bad is in no header' 'bad.o: count is writable' 'bad.o: needs getenv' \
        'lacks axon_mlp_create\(\) or its version' 'libaxon.so.2: exports main' 'libaxon.so.2: another soname' 'libaxon.so.2: needs .libresolv' \
        'axon_mlp_destroy\(\) has no page' 'axon_activation_find\(\) has no contract' \
        'kernels.bad.o: exports bad' 'not position-independent' 'stack is executable' 'not full RELRO' 'no stack protector'; do
        grep -qE "^# .*$want" <<<"$out" || echo "symbols.sh: silent about: $want"
    done
} 2>&1

for lint in layers headers sizes banned format shell static tracked docs english tables accuracy symbols; do
    check "$lint finds what is planted" "${lint}_found"
done
finish
