#!/usr/bin/env bash
# The built files export, need and keep writable only what they should. Runs on $B after a build.
. "$(dirname "$0")/lib.bash"

: "${B:?build folder}"
archive=$B/libaxon.a shared=$B/libaxon.so.2 manual=$B/man daemon=${BIN:-$B/axond}
for built in "$archive" "$shared" "$manual/axon.3" "$daemon"; do
    [ -f "$built" ] || { echo "Bail out! $built is not built"; exit 1; }
done

# Writable on purpose: which table of kernels is in use, and which BLAS.
writable=" dispatch.o:in_use gemm.o:handed_over gemm.o:blas_in_use "
# All that the core may call: memory, strings, maths, and what the compiler puts in.
needed='^(aligned_alloc|calloc|malloc|realloc|free|mem(cpy|move|set|cmp)|str(n?cmp|len|chr)|qsort'
needed+='|(sqrt|exp|expm1|log|log1p|log2|pow|tanh|erf|erfc|ldexp|frexp|scalbn|fabs|floor|ceil|round|nearbyint|rint|fma|cos|sin|fm(in|ax)|hypot|nextafter)f?'
needed+='|__stack_chk_(fail|guard)|__(memcpy|memset|memmove)_chk|__cpu_(model|indicator_init)|_GLOBAL_OFFSET_TABLE_)$'

exported() {
    nm -A --defined-only --extern-only "$archive" | awk '{ sub(/^[^:]*:/, "", $1); sub(/:.*/, "", $1); print $1, $NF }'
}

prefixes() { exported | awk '$2 !~ /^axon_/ { print $1 ": exports " $2 }'; }

# One underscore is the public face, two are shared within the core.
public_names() {
    local object name declared
    declared=$(code include/axon/*.h | grep -oE '\baxon_[a-z0-9_]+ *(\(|\[|;)' | tr -d ' ([;')
    while read -r object name; do
        case $name in
        axon__*) grep -Eq "\b$name\b" include/axon/*.h && echo "$object: internal $name stands in include/axon" ;;
        *) grep -qx "$name" <<<"$declared" || echo "$object: $name is in no header of include/axon" ;;
        esac
    done < <(exported)
    return 0
}

# FILE:LINE:NAME of the functions that include/axon declares
declared_functions() { code include/axon/*.h | sed -nE 's/^([^:]*:[0-9]+):[a-z].*[ *](axon_[a-z0-9_]+)\(.*/\1:\2/p'; }

declared_exist() {
    local file line name names
    names=$(exported)
    while IFS=: read -r file line name; do
        grep -q " $name\$" <<<"$names" || echo "$file:$line: $name() is declared and defined nowhere"
    done < <(declared_functions)
}

# The interface that programs link against stays: each public function with its version, and nothing else.
shared_exports() {
    local file line name symbols functions
    symbols=$(nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }')
    functions=$(declared_functions)
    while IFS=: read -r file line name; do
        grep -Eqx "$name@@AXON_[0-9.]+" <<<"$symbols" || echo "$file:$line: $shared lacks $name() or its version"
    done <<<"$functions"
    while read -r name; do
        grep -q ":${name%%@*}\$" <<<"$functions" || echo "$shared: exports $name"
    done <<<"$symbols"
}

shared_is_sound() {
    local dynamic
    dynamic=$(readelf -dW "$shared")
    grep -q "SONAME.*\[${shared##*/}\]" <<<"$dynamic" || echo "$shared: another soname"
    grep -Eq 'TEXTREL|RPATH|RUNPATH' <<<"$dynamic" && echo "$shared: text relocations or a library path"
    awk -v shared="$shared" '/NEEDED/ && !/\[(libm|libc|ld-linux[^.]*)\.so/ { print shared ": needs " $NF }' <<<"$dynamic"
}

# A page per function, which shows its prototype and says something.
in_reference() {
    local file line name page
    while IFS=: read -r file line name; do
        page=$manual/$name.3
        if ! grep -qx "\.Fo $name" "$page" 2>/dev/null; then
            echo "$file:$line: $name() has no page in $manual"
        elif ! awk -v name="$name()" 'said { exit } inside && /^[^.]/ { said = 1 } /^\.S[sh] / { inside = index($0, name) } END { exit !said }' "$page"; then
            echo "$file:$line: $name() has no contract"
        fi
    done < <(declared_functions)
}

writable_data() {
    objdump -t "$archive" | awk -v allowed="$writable" '
        /^[^ ]+\.o:/ { object = $1; sub(/:$/, "", object) }
        / O (\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && !/ \.data\.rel\.ro/ {
            if (index(allowed, " " object ":" $NF " ") == 0) print object ": " $NF " is writable"
        }'
}

core_needs() {
    nm -A --undefined-only "$archive" | awk -v needed="$needed" '
        { object = $1; sub(/:$/, "", object); sub(/^[^:]*:/, "", object) }
        $NF !~ /^axon_/ && $NF !~ needed { print object ": needs " $NF }'
}

# An object that is compiled once per instruction set says so in every name that it exports.
isa_in_every_name() {
    local object isa tables=0
    for object in "$B"/lib/kernels/*.*.o; do
        isa=${object%.o} isa=${isa##*.}
        nm --defined-only --extern-only "$object" | awk -v object="$object" -v isa="_$isa" '
            substr($NF, length($NF) - length(isa) + 1) != isa { print object ": exports " $NF }'
        [[ $object != */table.* ]] || tables=$((tables + 1))
    done
    [ "$tables" -gt 1 ] || [ "$(uname -m)" != x86_64 ] || echo "$tables tables of kernels"
}

# Code of one ISA must not reach a CPU without it by way of a shared function.
no_shared_code() {
    nm -A "$B"/lib/kernels/*.*.o | awk '$(NF - 1) ~ /^[WVuwv]$/ { print $1 " " $NF " may be merged with another object" }'
}

hardened() {
    local headers dynamic
    headers=$(readelf -hlW "$daemon") dynamic=$(readelf -dW "$daemon")
    grep -Eq '^ *Type: *DYN' <<<"$headers" || echo "$daemon: not position-independent"
    grep -Eq 'GNU_STACK.* RW +0x' <<<"$headers" || echo "$daemon: the stack is executable"
    grep -Eq 'LOAD.* RWE ' <<<"$headers" && echo "$daemon: a segment is writable and executable"
    grep -q GNU_RELRO <<<"$headers" && grep -Eq 'FLAGS.*(NOW|BIND_NOW)' <<<"$dynamic" || echo "$daemon: not full RELRO"
    grep -Eq 'TEXTREL|RPATH|RUNPATH' <<<"$dynamic" && echo "$daemon: text relocations or a library path"
    grep -q __stack_chk_fail <<<"$(nm -D --undefined-only "$daemon")" || echo "$daemon: no stack protector"
    return 0
}

# A new run-time dependency is a decision, not an accident. OpenBLAS is none: server/infer/blas.h tells when the daemon loads it.
libraries() {
    readelf -dW "$daemon" | awk -v daemon="$daemon" '
        /NEEDED/ && !/\[(libmicrohttpd|libjansson|libz|libm|libc|libpthread|ld-linux[^.]*)\.so/ {
            print daemon ": needs " $NF
        }'
}

check "libaxon exports axon_ names only" prefixes
check "what it exports with one underscore is declared in include/axon, and nothing else is" public_names
check "what include/axon declares is there" declared_exist
check "libaxon.so exports the functions of include/axon with a version, and nothing else" shared_exports
check "libaxon.so has its soname, needs libc only, and no text relocations" shared_is_sound
check "each public function is in the manual, with its contract" in_reference
check "the core has no writable data but the choice of kernels and BLAS" writable_data
check "the core needs memory, strings and maths only, and makes no threads" core_needs
check "each kernels.<isa>.o exports one read-only table" isa_in_every_name
check "kernels share no code between instruction sets" no_shared_code
check "the daemon is PIE with full RELRO, stack protector and no executable stack" hardened
check "the daemon needs no libraries but the agreed" libraries
finish
