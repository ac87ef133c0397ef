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

# The lines that `make run` prints, as they stand there: the last shows 4 of 128 and 1 of 64 units dead, as training found.
announced() {
    local line
    tests/announce.sh "$BIN" "${base##*:}" "$pid" >"$tmp/announced" && [ "$(grep -c '^    curl' "$tmp/announced")" -ge 3 ] || return 1
    while read -r line; do
        bash -c "$line" >"$tmp/said" || return 1
    done < <(grep '^    curl' "$tmp/announced")
    [ "$(awk '{ print $2 }' "$tmp/said")" = $'0.03125\n0.03125\n0.015625\n0.015625' ] || { sed 's/^/# /' "$tmp/said"; return 1; }
}
if [ -z "${TOUR_OF:-}" ]; then
    serve --models configs/models
    ok "the lines that make run prints show how many units are dead" announced
fi
done_testing
