# manual.awk - makes the manual pages of libaxon from its headers, so that a contract is written once.
#
#   awk -v out=DIR -v date='November 23, 2026' -v version=0.1.0 -f manual.awk README.md HEADER...
#
# DIR gets axon.3 (what there is, with the README's example) and axon_<header>.3 for each header; standard output a line
# "FUNCTION.3 PAGE" for each function: a link to make. It relies on this: a header begins with "/* axon/x.h - what it is",
# declarations stand in blocks between blank lines, a block's comment is its contract, and indented lines of a comment are laid out
# by hand. Plain POSIX awk.

# ---- mdoc ----

# A line of text must not look like a request, and a backslash is an escape.
function text(line) {
    gsub(/\\/, "\\e", line)
    return line ~ /^[.']/ ? "\\\\\\&" line : line
}

# mdoc wants each sentence on a line of its own.
function sentences(line,    all) {
    all = ""
    while (match(line, /[^.][.:?] +[A-Z*]/)) {
        all = all text(substr(line, 1, RSTART + 1)) "\n"
        line = substr(line, RSTART + RLENGTH - 1)
    }
    return all text(line)
}

function put(line) { print line >page }

function literal(lines) { put(".Bd -literal"); put(lines); put(".Ed") }

# A comment's text: paragraphs are filled, indented lines keep their layout.
function put_comment(lines,    n, i, line, laid_out, gap) {
    n = split(lines, comment_line, "\n")
    laid_out = gap = 0
    for (i = 1; i <= n; i++) {
        line = comment_line[i]
        if (line == "") { gap = 1; continue }
        if (line ~ /^  / && !laid_out) { put(".Bd -literal"); laid_out = 1 }
        else if (line !~ /^  / && laid_out) { put(".Ed"); laid_out = 0; if (gap) put(".Pp") }
        else if (gap) put(laid_out ? "" : ".Pp")
        gap = 0
        put(laid_out ? text(line) : sentences(line))
    }
    if (laid_out) put(".Ed")
}

function head(title, section) { put(".Dd " date); put(".Dt " toupper(title) " " section); put(".Os axon " version) }

# ---- a header ----

# "const float *x, size_t n" -> .Fa each
function put_prototype(declaration,    before, name, args, n, i, a) {
    sub(/;.*/, "", declaration)
    match(declaration, /axon_[a-z0-9_]+\(/)
    before = substr(declaration, 1, RSTART - 1)
    name = substr(declaration, RSTART, RLENGTH - 1)
    args = substr(declaration, RSTART + RLENGTH)
    sub(/\)$/, "", args)
    sub(/ +$/, "", before)
    put(".Ft \"" before "\"")
    put(".Fo " name)
    n = split(args, a, /, */)
    for (i = 1; i <= n; i++) put(".Fa \"" a[i] "\"")
    put(".Fc")
}

# One group: a comment and what it is about. Functions go to the synopsis; types and constants are shown as they are.
function end_group(    n, i, line, whole, names, types) {
    if (code == "") { comment = ""; return }
    n = split(code, code_line, "\n")
    whole = names = types = ""
    for (i = 1; i <= n; i++) {
        line = code_line[i]
        if (whole == "" && (line !~ /axon_[a-z0-9_]+\(/ || line ~ /^[# ]/)) { types = types (types == "" ? "" : "\n") line; continue }
        remark = ""
        if (match(line, /\/\*.*\*\//)) { remark = substr(line, RSTART + 3, RLENGTH - 6); line = substr(line, 1, RSTART - 1) }
        gsub(/^ +| +$/, "", line)
        whole = whole (whole == "" ? "" : " ") line
        if (whole !~ /;$/) continue
        prototypes[++prototypes_count] = whole
        match(whole, /axon_[a-z0-9_]+\(/)
        name = substr(whole, RSTART, RLENGTH - 1)
        functions[++functions_count] = name
        names = names (names == "" ? "" : ", ") name "()"
        if (remark != "") comment = comment (comment == "" ? "" : "\n\n") name "(): " remark
        whole = ""
    }
    groups[++groups_count] = names
    groups_comment[groups_count] = comment
    groups_code[groups_count] = types
    comment = code = ""
}

# "enum axon_kind { A, B };" -> "enum axon_kind"; nameless constants are just that
function type_name(declaration) {
    sub(/ *[{;\n].*/, "", declaration)
    sub(/^#define /, "", declaration)
    sub(/\(.*/, "", declaration)
    return declaration == "enum" ? "Constants" : declaration
}

function end_header(    i, n) {
    if (header == "") return
    page = out "/axon_" header ".3"
    head("axon_" header, 3)
    put(".Sh NAME")
    put(".Nm axon_" header (functions_count ? " ," : ""))
    for (i = 1; i <= functions_count; i++) put(".Nm " functions[i] (i < functions_count ? " ," : ""))
    put(".Nd " title)
    put(".Sh SYNOPSIS")
    put(".In axon/" header ".h")
    for (i = 1; i <= prototypes_count; i++) put_prototype(prototypes[i])
    put(".Sh DESCRIPTION")
    put_comment(intro == "" ? "See the declarations." : intro)
    for (i = 1; i <= groups_count; i++) {
        put(".Ss " text(groups[i] != "" ? groups[i] : type_name(groups_code[i])))
        if (groups_comment[i] != "") put_comment(groups_comment[i])
        if (groups_code[i] != "") literal(text_lines(groups_code[i]))
    }
    put(".Sh SEE ALSO")
    put(".Xr axon 3")
    close(page)
    for (i = 1; i <= functions_count; i++) print functions[i] ".3", "axon_" header ".3"
    headers[++headers_count] = header
    titles[headers_count] = title
}

function text_lines(lines,    n, i, all, part) {
    n = split(lines, part, "\n")
    all = ""
    for (i = 1; i <= n; i++) all = all (i > 1 ? "\n" : "") text(part[i])
    return all
}

# ---- reading ----

FNR == 1 {
    if (FILENAME ~ /\.h$/) {
        end_header()
        header = FILENAME
        sub(/.*\//, "", header)
        sub(/\.h$/, "", header)
        intro = comment = code = title = ""
        functions_count = prototypes_count = groups_count = depth = 0
        state = "title"
    } else
        state = "readme"
}

state == "readme" {
    if ($0 == "```") inside = 0
    else if (inside) example = example (example == "" ? "" : "\n") $0
    if ($0 == "```c") inside = 1
    if ($0 ~ /^`cc /) compile = substr($0, 2, index(substr($0, 2), "`") - 1)
    next
}

state == "title" {
    title = $0
    sub(/^\/\* [^ ]* - /, "", title)
    state = "intro"
    if (title ~ /\*\/$/) { sub(/ *\*\/$/, "", title); state = "code" }
    sub(/\.$/, "", title)
    next
}

state == "intro" || state == "comment" {
    line = $0
    last = line ~ /\*\/$/
    sub(/ *\*\/$/, "", line)
    sub(/^ \* ?/, "", line)
    # The first sentence may run on; the rest is the introduction.
    if (state == "intro") {
        if (intro == "" && line != "" && !titled) title = title " " line
        else if (line == "" && !titled) titled = 1
        else intro = intro (intro == "" ? "" : "\n") line
    } else
        comment = comment "\n" line
    if (last) { if (state == "intro") titled = 0; state = "code"; sub(/\.$/, "", title) }
    next
}

/^#ifdef __cplusplus/, /^#endif/ { next }
/^#(ifndef|include|endif|ifdef|undef)/ || /^#define AXON_[A-Z_]*_H$/ { next }
/^$/ && depth == 0 { end_group(); next }
/^\/\*/ && depth == 0 {
    end_group()
    comment = substr($0, 4)
    if (comment ~ /\*\/$/) sub(/ *\*\/$/, "", comment)
    else state = "comment"
    next
}
{
    code = code (code == "" ? "" : "\n") $0
    line = $0
    gsub(/\/\*.*/, "", line)
    depth += gsub(/\{/, "", line) - gsub(/\}/, "", line)
}

END {
    end_group()
    end_header()
    page = out "/axon.3"
    head("axon", 3)
    put(".Sh NAME")
    put(".Nm axon")
    put(".Nd activation functions and small networks, exact and fast")
    put(".Sh SYNOPSIS")
    for (i = 1; i <= headers_count; i++) put(".In axon/" headers[i] ".h")
    put(".Sh DESCRIPTION")
    put("libaxon computes activation functions of neural networks with a proven bound on their error, and dense networks made of them.")
    put("Each header has a page:")
    put(".Bl -tag -width Ds")
    for (i = 1; i <= headers_count; i++) { put(".It Xr axon_" headers[i] " 3"); put(text(titles[i])) }
    put(".El")
    put(".Pp")
    put("Everything may be called by any number of threads at once, unless a function's page says otherwise.")
    put("Exported symbols have the version AXON_2.0.")
    put(".Sh EXAMPLES")
    literal(text_lines(example))
    put(".Pp")
    put("Build it with")
    put(".Dl " text(compile))
    put(".Sh SEE ALSO")
    for (i = 1; i <= headers_count; i++) put(".Xr axon_" headers[i] " 3 ,")
    put(".Xr axond 8")
    close(page)
}
