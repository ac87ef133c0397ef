#!/usr/bin/env bash
# Files, functions and lines stay small enough to be read in one go.
. "$(dirname "$0")/lib.bash"

sources=() && gather sources '*.c' '*.h'
tables=() && gather tables '*.def'

long_files() {
    wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 500 { print $2 ":501: " $1 " lines, at most 500" }'
}

long_main() {
    files server/main.c | xargs wc -l | awk '$1 > 120 { print $2 ":121: " $1 " lines, at most 120" }'
}

long_lines() {
    search -HnE '^.{101,}' "${sources[@]}" | sed -E 's/^([^:]*:[0-9]*):.*/\1: longer than 100 columns/'
    search -HnE '^.{141,}' "${tables[@]}" | sed -E 's/^([^:]*:[0-9]*):.*/\1: longer than 140 columns/'
}

# In this style a function's body is what stands between a lone { and a lone } in the first column.
long_functions() {
    awk '
        FNR == 1 { open = 0 }
        /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        /^{$/ { open = FNR }
        /^}$/ && open {
            functions++
            if (FNR - open - 1 >= 60)
                print FILENAME ":" open ": " name "() has " FNR - open - 1 " lines, fewer than 60 are allowed"
            open = 0
        }
        END { if (functions == 0) print "no function found" }' "${sources[@]}"
}

check "no file is longer than 500 lines" long_files
check "main.c has at most 120 lines" long_main
check "lines fit into 100 columns, tables into 140" long_lines
check "functions have fewer than 60 lines" long_functions
finish
