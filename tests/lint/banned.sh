#!/usr/bin/env bash
# Calls and words that must not appear: unbounded writes, shells, global state, unfinished work.
. "$(dirname "$0")/lib.bash"

sources=() && gather sources '*.c' '*.h' '*.def'
texts=() && gather texts ':!tests/lint/banned.sh' ':!*.safetensors' ':!*.json'

# calls NAMES: where one of NAMES (separated by |) is called in code
calls() { code "${sources[@]}" | search -E "(^|[^A-Za-z0-9_>.])($1) *\("; }

# Out of memory is a syntax error to it, and it has no budget: json_file_read() and the envelope read JSON.
jansson_parser() {
    local server=() && gather server 'server/*.c' 'server/*.h'
    code "${server[@]}" | search -E "(^|[^A-Za-z0-9_])json_load(s|b|f|fd|_file|_callback) *\("
}

vla_flag() { grep -q -- '-Wvla' Makefile || echo "Makefile: -Wvla is not among the warnings"; }

unfinished() { search -HnIwE 'TODO|FIXME|XXX|HACK' "${texts[@]}"; }

check "no alloca: stack use is known when compiling" calls 'alloca|strdupa|strndupa'
check "arrays of variable length are warned of" vla_flag
check "no write without a bound" calls 'sprintf|vsprintf|strcpy|stpcpy|strcat|strncat|gets|scanf|sscanf|fscanf'
check "no conversion that hides errors" calls 'atoi|atol|atoll|atof'
check "no hidden state shared by threads" calls 'strtok|rand|srand|random|localtime|gmtime|ctime|asctime|readdir_r|inet_ntoa'
check "no locale but C: numbers have a point" calls 'setlocale|uselocale'
check "no parser of JSON but our own in the server" jansson_parser
check "no shell" calls 'system|popen|wordexp'
check "nothing is left unfinished" unfinished
finish
