# manual.awk - makes axond(8) from the text of `axond --help`, which itself expands from options.def.
#
#   axond --help | awk -v date='November 23, 2026' -v version=0.1.0 -f manual.awk >axond.8
#
# It relies on this: lists are indented by two spaces and their text begins at a fixed column; a heading ends in a colon.

function text(line) {
    gsub(/\\/, "\\e", line)
    return line ~ /^[.']/ ? "\\\\\\&" line : line
}

# "--listen TEXT" and what it does; [VARIABLE] at the end
function end_item(    flag, argument, variable, word) {
    if (item == "") return
    flag = item
    argument = ""
    if (match(item, / /)) { flag = substr(item, 1, RSTART - 1); argument = substr(item, RSTART + 1) }
    word = sub(/^--/, "-", flag) ? "Fl " : "Cm "
    gsub(/-/, "\\-", flag)
    print ".It " word flag (argument == "" ? "" : " Ar " argument)
    variable = ""
    if (match(what, / \[AXOND_[A-Z_]+\]$/)) { variable = substr(what, RSTART + 2, RLENGTH - 3); what = substr(what, 1, RSTART - 1) }
    print text(what) "."
    if (variable != "") print "Variable: " variable "."
    item = what = ""
}

function end_list() { end_item(); if (listed) print ".El"; listed = 0 }

BEGIN {
    print ".Dd " date
    print ".Dt AXOND 8"
    print ".Os axond " version
    print ".Sh NAME"
    print ".Nm axond"
    print ".Nd serves activation functions and small neural networks over HTTP"
    print ".Sh SYNOPSIS"
    print ".Nm axond"
    print ".Op Ar command"
    print ".Op Fl \\-option Ar value"
    print "\\&..."
    print ".Sh DESCRIPTION"
}

/^usage:/ || /^$/ { if (listed) end_list(); next }
/^(Commands|Options)/ {
    end_list()
    print ".Sh " ($1 ~ /^Commands/ ? "COMMANDS" : "OPTIONS")
    heading = $0
    if ($1 ~ /^Options/) {
        sub(/^Options \(/, "", heading)
        print toupper(substr(heading, 1, 1)) substr(heading, 2)
        preface = 1
    }
    next
}
preface && /^[^ ]/ { preface = 0; line = $0; sub(/\):$/, ".", line); print text(line); next }
/^  [^ ]/ {
    end_item()
    if (!listed) { print ".Bl -tag -width Ds"; listed = 1 }
    line = substr($0, 3)
    match(line, /   +/)
    item = RSTART ? substr(line, 1, RSTART - 1) : line
    what = RSTART ? substr(line, RSTART + RLENGTH) : ""
    next
}
item != "" { sub(/^ +/, ""); what = what (what == "" ? "" : " ") $0; next }
/^Exit: / { sub(/^Exit: /, ""); exits = $0; next }
exits != "" { exits = exits " " $0; next }
{ line = $0; gsub(/\. /, ".\n", line); print text(line) }

END {
    end_list()
    print ".Sh EXIT STATUS"
    print toupper(substr(exits, 1, 1)) substr(exits, 2)
    print ".Sh SIGNALS"
    print ".Bl -tag -width SIGTERM"
    print ".It Dv SIGTERM , SIGINT"
    print "Drain: readiness turns 503, what was accepted is answered, then exit."
    print "A second one ends at once."
    print ".It Dv SIGHUP"
    print "Load the models again that have changed."
    print ".El"
    print ".Sh EXAMPLES"
    print ".Dl axond --models /srv/models --check-config"
    print ".Dl axond --models /srv/models --listen 0.0.0.0:8000"
    print ".Sh SEE ALSO"
    print ".Xr axond 1 ,"
    print ".Xr axon 3"
}
