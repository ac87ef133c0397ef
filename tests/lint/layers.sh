#!/usr/bin/env bash
# Who may include what: arrows point down or right only, and a module is entered through its face.
#
# The rows below are the picture of the design; to allow a new arrow is to change the architecture.
. "$(dirname "$0")/lib.bash"

sources=() && gather sources '*.c' '*.h' '*.def'

# A zone is a folder of sources with one job; a zone may include itself and what stands here. `main` are the files in
# server/ itself, which put the daemon together.
declare -A may=(
    [include]=""
    [kernels]="include"
    [lib]="include kernels"
    [base]=""
    [options]="base json"
    [json]="base tensor"
    [tensor]="base json"
    [body]="base json tensor"
    [keys]="base"
    [catalogue]="include base json tensor"
    [metrics]="include base"
    [neurons]="include base json metrics"
    [weights]="include base json body tensor model"
    [model]="include base options json catalogue body tensor metrics neurons weights"
    [infer]="include base metrics model"
    [ui]=""
    [guide]="include metrics"
    [plot]="include base"
    [api]="include base options json keys catalogue tensor body neurons model infer guide plot ui metrics"
    [http]="base options api metrics"
    [commands]="include base keys options json tensor body model neurons weights infer metrics api"
    [main]="include base options keys model infer metrics api http commands"
    [oracle]="include lib kernels"
    [lib-tests]="include lib kernels oracle"
    [tests]="include lib kernels commands base options json keys catalogue tensor body metrics neurons weights model infer guide plot ui api http oracle lib-tests"
)
# The headers of a module that other zones may include; the rest is its own. Tests see all.
declare -A face=(
    [options]="options.h"
    [metrics]="metrics.h"
    [keys]="keys.h list.h credential.h"
    [neurons]="neurons.h baseline.h predictions.h calibration.h drift.h advice.h"
    [weights]="weights.h formats.h"
    [model]="model.h loader.h repository.h single.h line.h record.h version.h config.h network.h gradients.h explanation.h files.h finding.h compact.h digest.h"
    [infer]="pool.h batch.h work.h blas.h"
    [guide]="guide.h"
    [plot]="plot.h"
    [api]="api.h headers.h"
    [http]="http.h"
)
# A logged event is counted, so this one arrow points from the base to a module.
exceptions=(server/base/log.c:server/metrics/metrics.h)

# System headers that only these files may include.
declare -A only=(
    [microhttpd.h]="server/http/* tests/bench/echo.c tests/unit/test_server_http*"
    [jansson.h]="server/main.c server/options/* server/commands/* server/json/* server/catalogue/* server/body/* server/api/* server/model/* server/neurons/* server/weights/* tests/unit/test_server_* tests/fuzz/*"
    [zlib.h]="server/weights/npz.c server/tensor/npz.c server/body/encoding.c tests/unit/test_server_npz.c tests/unit/compressed.h"
    [cblas.h]="lib/gemm.c tests/bench/mlp.c"
    [immintrin.h]="lib/kernels/vec.h server/tensor/float_block.h server/tensor/float_group.h"
    [arm_neon.h]="lib/kernels/vec.h"
)
# All that the core may know of the outside world.
core_headers=" assert.h cblas.h float.h limits.h math.h stdalign.h stdatomic.h stdbool.h stddef.h stdint.h stdlib.h \
string.h immintrin.h arm_neon.h "
public_headers=" float.h limits.h stdbool.h stddef.h stdint.h "

# zone_of PATH: sets zone
zone_of() {
    case $1 in
    include/axon/*) zone=include ;;
    lib/kernels/*) zone=kernels ;;
    lib/*) zone=lib ;;
    server/*/*) zone=${1#server/} zone=${zone%%/*} ;;
    server/*) zone=main ;;
    tests/oracle/*) zone=oracle ;;
    tests/unit/test_lib_* | tests/unit/suite.h | tests/unit/lines.h | tests/unit/random.h) zone=lib-tests ;;
    tests/*) zone=tests ;;
    *) zone= ;;
    esac
}

# resolve FILE NAME: sets target to the project's file that #include NAME means, or to nothing
resolve() {
    local folder
    target=
    for folder in "${1%/*}" include lib server .; do
        if [ -f "$folder/$2" ]; then
            target=$folder/$2
            while [[ $target =~ ^(.*/)?[^/.]+/\.\./(.*)$ ]]; do target=${BASH_REMATCH[1]}${BASH_REMATCH[2]}; done
            target=${target#./}
            return
        fi
    done
}

# listed WORD LIST...
listed() { [[ " ${*:2} " == *" $1 "* ]]; }

# project_include WHERE FILE TARGET
project_include() {
    local from to
    zone_of "$2" && from=$zone
    zone_of "$3" && to=$zone
    if [ -z "$from" ] || [ -z "${may[$from]+known}" ]; then
        echo "$1: $2 is in no known zone: say in tests/lint/layers.sh what it may include"
    elif [ "$from" = "$to" ] || listed "$2:$3" "${exceptions[@]}"; then
        return
    elif [[ $3 == *.def && ${3%%/*} == "${2%%/*}" ]] || [[ $3 == *.def && $2 == tests/* ]]; then
        return # a table is a list that its whole half of the tree may expand
    elif ! listed "$to" "${may[$from]}"; then
        echo "$1: $from must not include $to ($3)"
    elif [ -n "${face[$to]:-}" ] && [[ $2 != tests/* ]] && ! listed "${3##*/}" "${face[$to]}"; then
        echo "$1: $3 is internal to $to; others include only ${face[$to]}"
    fi
}

# system_include WHERE FILE NAME
system_include() {
    local pattern patterns
    if [ -n "${only[$3]:-}" ]; then
        read -ra patterns <<<"${only["$3"]}"
        for pattern in "${patterns[@]}"; do
            # shellcheck disable=SC2053 # a pattern on purpose
            [[ $2 == $pattern ]] && return
        done
        echo "$1: only ${only[$3]} may include <$3>"
    elif [[ $2 == lib/* && $core_headers != *" $3 "* ]]; then
        echo "$1: the core must not include <$3>"
    elif [[ $2 == include/* && $public_headers != *" $3 "* ]]; then
        echo "$1: the public face must not include <$3>"
    fi
}

includes() {
    local file line text name target seen=0
    while IFS=: read -r file line text; do
        [[ $text =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*[\"\<]([^\"\>]+) ]] || continue
        name=${BASH_REMATCH[1]} seen=$((seen + 1))
        resolve "$file" "$name"
        if [ -n "$target" ]; then
            project_include "$file:$line" "$file" "$target"
        elif [[ $text == *\"* && ${name##*/} != version.h ]]; then
            echo "$file:$line: no such file: $name"
        else
            system_include "$file:$line" "$file" "$name"
        fi
    done < <(grep -HnE '^[[:space:]]*#[[:space:]]*include' "${sources[@]}")
    [ "$seen" -gt 0 ] || echo "no #include found"
}

# symbols.sh proves the same from the object files; here each place has its line.
core_calls() {
    local core=() name='getenv|secure_getenv|setenv|printf|fprintf|puts|perror|fopen|open|read|write|signal|sigaction|time'
    gather core 'lib/*.c' 'lib/*.h' 'include/*.h'
    code "${core[@]}" | search -E "(^|[^A-Za-z0-9_>.])(pthread_[a-z_]+|$name|clock_gettime|abort|exit) *\("
}

check "includes point down or right, and at a module's face" includes
check "the core calls no environment, files, threads, signals, clock or output" core_calls
finish
