#!/usr/bin/env bash
# OpenBLAS runs the kernels that suit this CPU, also where its own choice is wrong; a user's choice wins.
# shellcheck disable=SC2016,SC2034 # what stands in quotes is evaluated by ok, after the test has begun
. "$(dirname "$0")/lib.sh"

label() { curl -sS --noproxy '*' "$base/metrics" | sed -n "s/^axond_build_info{.*[{,]$1=\"\([^\"]*\)\".*/\1/p"; }
logged() { grep -qE -- "$1" "$tmp/log"; }
flag() { grep -m1 '^flags' /proc/cpuinfo | grep -qw "$1"; }
suits() {
    if flag avx512f && flag avx512dq && flag avx512bw && flag avx512vl; then
        [[ $1 =~ ^(SkylakeX|Cooperlake|Sapphirerapids)$ ]]
    elif flag avx2 && flag fma; then
        [[ $1 =~ ^(Haswell|Zen|Excavator)$ ]]
    fi
}
digit() { req POST /v1/models/digits:predict @configs/examples/digit.json; }

unset OPENBLAS_CORETYPE
serve --models configs/models
core=$(label blas_core)
ok "build_info names the core ($core)" [ -n "$core" ]
if [ "$(uname -m)" = x86_64 ]; then
    ok "which suits /proc/cpuinfo" suits "$core"
else
    skip "which suits /proc/cpuinfo" "not an x86-64"
fi
ok "the log names it, and who chose" logged "event=kernels isa=[a-z0-9]+ blas_core=$core blas_core_chosen_by=(openblas|axond) "
digit
ok "a digit is answered" want 200
expected=$body

if ! { flag avx2 && flag fma; } 2>/dev/null; then
    skip "the wrong core is noticed" "this CPU has no AVX2"
    done_testing
    exit
fi

# Debian 12's OpenBLAS takes recent CPUs for a Prescott. Play that here, whatever this CPU is.
cat >"$tmp/shim.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
char *openblas_get_corename(void)
{
    char *(*real)(void) = (char *(*)(void))dlsym(RTLD_NEXT, "openblas_get_corename");
    return getenv("OPENBLAS_CORETYPE") ? real() : (char *)"Prescott";
}
C
${CC:-cc} -shared -fPIC -o "$tmp/shim.so" "$tmp/shim.c" -ldl
# Sanitizers want to be first among the preloaded; the shim interposes nothing of theirs.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0

# with_shim [args]: serve, with the shim preloaded into the daemon alone
with_shim() {
    local real=$BIN
    printf '#!/bin/sh\nLD_PRELOAD=%s exec "%s" "$@"\n' "$tmp/shim.so" "$(realpath "$real")" >"$tmp/axond"
    chmod +x "$tmp/axond"
    BIN=$tmp/axond
    serve "$@"
    BIN=$real
}
process_variable() { tr '\0' '\n' <"/proc/$pid/environ" | sed -n "s/^$1=//p"; }

with_shim --models configs/models
ok "a wrong core is replaced without help" suits "$(label blas_core)"
ok "the log tells who chose" logged 'event=kernels .* blas_core_chosen_by=axond blas_core_advice=none$'
ok "by starting over, with the advice in the environment" suits "$(process_variable OPENBLAS_CORETYPE)"
ok "and no threads of BLAS" [ "$(process_variable OPENBLAS_NUM_THREADS)" = 1 ]
ok "once: the log has one beginning" [ "$(grep -c event=kernels "$tmp/log")" = 1 ]
ok "ps shows the name" [ "$(cat "/proc/$pid/comm")" = axond ]
digit
ok "the answer is the same" eval 'want 200 && [ "$body" = "$expected" ]'
ok "it is the process that was started, and stops by its id" eval 'stop TERM; [ "$exit_status" = 0 ]'

export OPENBLAS_CORETYPE=Haswell
with_shim --models configs/models
ok "a user's own choice wins" [ "$(label blas_core)" = Haswell ]
ok "and is logged" logged 'event=kernels .* blas_core=Haswell blas_core_chosen_by=user '
ok "starting over is for the threads alone" [ "$(process_variable AXOND_BLAS_RESTARTED)" = threads ]
digit
ok "it answers as well" want 200
unset OPENBLAS_CORETYPE

# The restart keeps what the command line said, word by word, and what came by the environment.
mkdir "$tmp/two words"
AXOND_THREADS=1 with_shim --models "$tmp/two words" --log-level debug
ok "arguments and variables survive" eval 'logged "threads=1\$" && logged "event=ready"'

done_testing
