# commands.awk - makes axond(1) from the texts of `axond COMMAND --help`, which expand from options/commands.def and manual.def.
#
#   for command in predict apply ...; do axond $command --help; done | awk -v date='...' -v version=0.1.0 -f commands.awk >axond.1
#
# It relies on this: each text begins with "usage: axond COMMAND"; after it come paragraphs, and lists under headings that end in a colon, whose items are
# indented by two spaces and told from their text by two or more.

function text(line) {
    gsub(/\\/, "\\e", line)
    return line ~ /^[.']/ ? "\\&" line : line
}

# A sentence begins a line; a period within a name or a number ends none.
function prose(line) {
    line = text(line)
    gsub(/\. /, ".\n", line)
    print line
}

function dashes(word) { gsub(/-/, "\\-", word); return word }

# "[--top-k N]" as mdoc: .Op Fl -top-k Ar N
function end_usage(    words, n, i, word, flag) {
    if (usage == "") return
    print ".Sh " toupper(command)
    print ".Nm"
    print command ~ /^-/ ? ".Fl " dashes(substr(command, 2)) : ".Cm " command
    sub(/^usage: axond [^ ]+ ?/, "", usage)
    while (match(usage, /^\[[^]]*\]\.*|^[^ ]+/)) {
        word = substr(usage, 1, RLENGTH)
        usage = substr(usage, RLENGTH + 1)
        sub(/^ /, "", usage)
        more = sub(/\.\.\.$/, "", word) ? " ..." : ""
        if (sub(/^\[--/, "", word)) {
            sub(/\]$/, "", word)
            n = split(word, words, " ")
            print ".Op Fl " dashes("-" words[1]) (n > 1 ? " Ar " words[2] : "") more
        } else if (sub(/^\[/, "", word)) {
            sub(/\]$/, "", word)
            print ".Op Ar " word more
        } else
            print ".Ar " word
    }
    usage = ""
}

function end_item(    flag, argument) {
    if (item == "") return
    if (list == "Arguments") {
        argument = flag = item
        sub(/^[^ ]* ?/, "", argument)
        sub(/ .*/, "", flag)
        print ".It " (flag ~ /^--/ ? "Fl " dashes(substr(flag, 2)) (argument == "" ? "" : " Ar " argument) : "Ar " item)
    } else
        print ".It " item
    prose(what ".")
    item = what = ""
}

function end_list() { end_item(); if (list != "" && list != "Examples") print ".El"; list = "" }
function end_paragraph() { if (paragraph != "") { print ".Pp"; prose(paragraph) } paragraph = "" }

BEGIN {
    print ".Dd " date
    print ".Dt AXOND 1"
    print ".Os axond " version
    print ".Sh NAME"
    print ".Nm axond"
    print ".Nd run small neural networks and activation functions on files, and look into them"
    print ".Sh SYNOPSIS"
    print ".Nm"
    print ".Op Ar command"
    print ".Op Ar argument ..."
    print ".Op Fl \\-option Ar value"
    print "\\&..."
    print ".Sh DESCRIPTION"
    print "A command reads standard input, writes standard output and tells failures on standard error."
    print "It uses the readers, the models and the numbers of the service, which is described in"
    print ".Xr axond 8 ,"
    print "as are the options that all commands take, such as"
    print ".Fl \\-models"
    print "and"
    print ".Fl \\-model\\-dir ."
}

/^usage: / { end_paragraph(); end_list(); command = $3; usage = $0; next }
usage != "" && /^[^ ]/ && !/:$/ { usage = usage " " $0; next }
/^$/ { end_usage(); end_paragraph(); end_list(); next }
/^(Arguments|Exit|Examples):$/ {
    list = substr($0, 1, length($0) - 1)
    print list == "Arguments" ? ".Bl -tag -width Ds" : list == "Exit" ? ".Pp\nExit status:\n.Bl -tag -width 78 -compact" : ".Pp"
    next
}
list == "Examples" { sub(/^  /, ""); print ".Dl " text($0); next }
list != "" && /^  [^ ]/ {
    end_item()
    line = substr($0, 3)
    match(line, /  +/)
    item = RSTART ? substr(line, 1, RSTART - 1) : line
    what = RSTART ? substr(line, RSTART + RLENGTH) : ""
    next
}
list != "" { sub(/^ +/, ""); what = what (what == "" ? "" : " ") $0; next }
{ paragraph = paragraph (paragraph == "" ? "" : " ") $0 }

END {
    end_paragraph()
    end_list()
    print ".Sh EXIT STATUS"
    print "0 if it has done what it was asked for, 1 if it has failed, 2 after wrong usage, 78 after wrong configuration; what else a status means stands with the command."
    print "A command whose reader leaves, as in a pipe to"
    print ".Xr head 1 ,"
    print "ends by"
    print ".Dv SIGPIPE ,"
    print "quietly."
    print ".Sh SEE ALSO"
    print ".Xr axon 3 ,"
    print ".Xr axond 8"
}
