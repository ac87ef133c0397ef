#!/usr/bin/env bash
# The README's curl tour, run line by line: what it shows is what a user sees. Of a daemon that runs already if TOUR_OF names it.
. "$(dirname "$0")/lib.sh"
if [ -n "${TOUR_OF:-}" ]; then base=$TOUR_OF; else serve --models configs/models; fi

# Commands and their expected output, as "command<TAB>output" with the output's newlines as \x01.
tour() {
    awk '/^```console$/ { inside = 1; next } /^```$/ { if (inside) flush(); inside = 0 }
         inside && /^\$ / { flush(); command = substr($0, 3); next }
         inside { output = output (output == "" ? "" : "\001") $0 }
         function flush() { if (command != "") print command "\t" output; command = output = "" }' README.md
}

says() { # COMMAND OUTPUT
    local got
    got=$(bash -c "${1//localhost:8000/${base#http://}}" 2>&1)
    [ "$got" = "${2//$'\001'/$'\n'}" ] || { echo "# got: $got"; return 1; }
}

while IFS=$'\t' read -r command output; do
    ok "$command" says "$command" "$output"
done < <(tour)
done_testing
