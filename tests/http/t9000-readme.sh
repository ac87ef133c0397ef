#!/usr/bin/env bash
# The commands of the pages, run as they stand there: a console block shows what a user sees, a sh block succeeds. A block that cannot
# run here says why: ```sh not run: REASON. A page has a daemon of its own; TOUR_OF names one that runs already, for README.md alone.
. "$(dirname "$0")/lib.sh"
PATH=$(dirname "$(realpath "$BIN")"):$PATH

# The page's commands and their output, as "kind<TAB>command<TAB>output" with newlines as \001.
commands() {
    awk '/^```/ { if (kind == "") { kind = substr($1, 4); if (kind == "" || /not run: /) kind = "-"; next }
                  flush(); kind = ""; next }
         kind == "console" && /^\$ / { flush(); command = substr($0, 3); next }
         kind == "console" { output = output (output == "" ? "" : "\001") $0 }
         kind == "sh" { command = command (command == "" ? "" : "\001") $0 }
         function flush() { if (command != "") print kind "\t" command "\t" output; command = output = "" }' "$1"
}

shows() { # KIND COMMAND OUTPUT
    local got
    got=$(bash -ec "$2" 2>&1) || { echo "# exit status $?: $got"; return 1; }
    [ "$1" = sh ] || [ "$got" = "$3" ] || { echo "# got: $got"; return 1; }
}

tour() { # PAGE
    local kind command output
    while IFS=$'\t' read -r kind command output; do
        command=${command//$'\001'/$'\n'}
        command=${command//localhost:8000/${base#http://}}
        ok "$1: ${command%%$'\n'*}" shows "$kind" "${command//127.0.0.1:8000/${base#http://}}" "${output//$'\001'/$'\n'}"
    done < <(commands "$1")
}

# The lines that `make run` prints, as they stand there: the last shows 4 of 128 and 1 of 64 units dead, as training found.
announced() {
    local line
    tests/announce.sh "$BIN" "${base##*:}" "$pid" >"$tmp/announced" && [ "$(grep -c '^    curl' "$tmp/announced")" -ge 3 ] || return 1
    while read -r line; do
        bash -c "$line" >"$tmp/said" || return 1
    done < <(grep '^    curl' "$tmp/announced")
    [ "$(awk '{ print $2 }' "$tmp/said")" = $'0.03125\n0.03125\n0.015625\n0.015625' ] || { sed 's/^/# /' "$tmp/said"; return 1; }
}

if [ -n "${TOUR_OF:-}" ]; then
    base=$TOUR_OF
    tour README.md
else
    while read -r page; do
        [ -n "$(commands "$page")" ] || continue
        serve --models configs/models
        tour "${page#./}"
    done < <(find . -name '*.md' -not -path './build/*' | sort)
    serve --models configs/models
    ok "the lines that make run prints show how many units are dead" announced
fi
done_testing
