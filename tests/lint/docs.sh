#!/usr/bin/env bash
# Documents agree with the code: openapi.json, pages, links, configs; and no row is without use. The pages' tables are tables.py's.
. "$(dirname "$0")/lib.bash"

openapi=server/api/openapi.json

# PATH METHOD ACCESS for each handler of routes.def, with and without its optional group
accesses() {
    local macro group
    for macro in '(ANY_)?VERSION' '(ANY_)?VERSION \/versions\/{version}' 'ANY_VERSION \/labels\/{label}'; do
        read -r macro group <<<"$macro"
        sed -E "s/\" $macro( \"|,)/$group\"\\$([[ $macro == *\(* ]] && echo 2 || echo 1)/; s/\"\" \"//; s/\" \"//" server/api/routes.def
    done | sed -nE 's/^ROUTE\("([^"]+)", *([A-Za-z_]+), *([A-Za-z_]+), *([A-Z]+),.*/\1 GET \2 \4\n\1 POST \3 \4/p
        s/^ROUTE_DELETE\("([^"]+)", *([A-Za-z_]+), *([A-Za-z_]+), *([A-Z]+),.*/\1 GET \2 \4\n\1 DELETE \3 \4/p' | sort -u |
        awk '$3 != "NULL" { print $1, $2, $4; n++ } END { exit n == 0 }'
}

routes() { accesses | cut -d' ' -f1,2; }

described_routes() {
    local methods='["get", "head", "post", "put", "delete", "patch", "options", "trace"]'
    jq empty "$openapi" || return
    diff <(routes | sort) <(jq -r ".paths | to_entries[] | .key as \$path | .value | keys[] |
        select(IN(${methods}[])) | \"\(\$path) \(ascii_upcase)\"" "$openapi" | sort) |
        sed -n "s|^< |$openapi: lacks |p; s|^> |$openapi: describes what is no route: |p"
}

# A public route asks for no key, an admin's for one of that role, every other for any; and whoever asks says 401.
described_access() {
    diff <(accesses | awk '{ print $1, $2, $3 == "PUBLIC" ? "none" : $3 ~ /ADMIN|HOSTING/ ? "admin 401" : "any 401" }' | sort) \
        <(jq -r '.security as $all | .paths | to_entries[] | .key as $path | .value | to_entries[] | select(.value.responses?) |
            (.value.security // $all) as $security | "\($path) \(.key | ascii_upcase) \(
            if $security == [] then "none" elif $security == $all then "any"
            elif $security == [{}, {bearer: ["admin"]}, {apiKey: ["admin"]}] then "admin" else $security end)\(
            if .value.responses["401"] then " 401" else "" end)"' "$openapi" | sort) |
        sed -n "s|^< |$openapi: should ask for the key that routes.def says: |p"
}

# Each of them is asked by a case of tests/api.
tried_routes() {
    local asked path method pattern
    asked=$(sed -sn 1p tests/api/*/request)
    while read -r path method; do
        pattern=$(sed -E 's/\./\\./g; s/\{[a-z_]+\}/[^\/:?]+/g' <<<"$path")
        grep -qE "^$method $pattern(\?|$)" <<<"$asked" || echo "tests/api: no case asks for $method $path"
    done < <(routes)
}

described_parameters() {
    jq -r '.components.parameters as $all | .paths | to_entries[] | .key as $path | [$path | scan("{([a-z_]+)}") | .[0]] as $want |
        [.value.parameters // [] | .[] | (.name // $all[.["$ref"] | split("/") | last].name)] as $have |
        select(($want | sort) != ($have | sort)) | "\($path): describes the path parameters \($have)"' "$openapi" |
        sed "s|^|$openapi: |"
}

described_dialects() {
    diff <(sed -nE 's/^DIALECT\(([a-z0-9]+),.*/\1/p' lib/dialect.def) \
        <(jq -r '.components.schemas.Dialect.enum[]' "$openapi") |
        sed -n "s|^< |$openapi: lacks the dialect |p; s|^> |$openapi: describes what is no dialect: |p"
}

described_errors() {
    diff <(sed -nE 's/^ERR\(([A-Z_]+),.*/\L\1/p' server/base/errors.def | grep -vx ok) \
        <(jq -r '.components.schemas.ErrorCode.enum[]' "$openapi") |
        sed -n "s|^< |$openapi: lacks the error code |p; s|^> |$openapi: describes what is no error code: |p"
}

# Options of a loss, besides its tensors.
described_options() {
    diff <(grep -oE '\b(BOOLEAN|NUMBER|INTEGER)\("\w+"' lib/loss.def | cut -d'"' -f2 | sort -u) \
        <(jq -r '.components.schemas.Evaluation.properties | keys[] | select(IN("logits", "predictions", "labels",
            "targets", "weight", "pos_weight", "variances", "reduction") | not)' "$openapi" | LC_ALL=C sort) |
        sed -n "s|^< |$openapi: lacks the option |p; s|^> |$openapi: describes what is no option: |p"
}

# Readers take the last of two equal keys, and say nothing.
twice() {
    python3 -c '
import collections, json, sys
def pairs(items):
    for key, n in collections.Counter(key for key, _ in items).items():
        if n > 1: print(f"{sys.argv[1]}: has the key {key} {n} times in one object")
    return dict(items)
json.load(open(sys.argv[1]), object_pairs_hook=pairs)' "$openapi"
}

# A client generator names its functions by them.
named_operations() {
    jq -r '[.paths | to_entries[] | .key as $path | .value | to_entries[] | select(.value | type == "object") |
        {path: "\($path) \(.key)", id: .value.operationId}] |
        (.[] | select(.id == null) | "\(.path): has no operationId"),
        (group_by(.id)[] | select(length > 1) | "\(.[1].path): the operationId of \(.[0].path)")' "$openapi" |
        sed "s|^|$openapi: |"
}

# used ID-PREFIX ROW-PATTERN TABLE FILES...: rows whose identifier no source names
used() {
    local prefix=$1 pattern=$2 definition=$3 id line
    shift 3
    while IFS=: read -r line id; do
        grep -qE "$prefix$id\b" "$@" || echo "$definition:$line: nothing uses $id"
    done < <(grep -nE "^($pattern)\(" "$definition" | grep -vE ', (INFO, [A-Z]+|[A-Z]+, HTTP),' | sed -E 's/^([0-9]+):[A-Z_]+\(([A-Za-z0-9_]+),.*/\1:\2/')
}

used_errors() {
    local sources
    mapfile -t sources < <(files 'server/*.c' 'server/*.h')
    used 'ERROR_' ERR server/base/errors.def "${sources[@]}"
}

used_options() {
    local sources
    mapfile -t sources < <(files 'server/*.c' ':!server/options/*.c')
    used '(->|\.)' 'OPT_[A-Z]+' server/options/options.def "${sources[@]}"
}

# An info is always 1, and the HTTP metrics are counted together, by metrics_http_request().
used_metrics() {
    local sources
    mapfile -t sources < <(files 'server/*.c')
    used 'METRIC_' 'METRIC' server/metrics/metrics.def "${sources[@]}"
}

used_headers() {
    local sources
    mapfile -t sources < <(files 'server/*.c')
    used 'REQUEST_' 'REQUEST_HEADER' server/api/headers.def "${sources[@]}"
    used 'REPLY_' 'REPLY_HEADER' server/api/headers.def "${sources[@]}"
}

# A format's reader is fuzzed and has a unit test.
tried_formats() {
    local reader kind
    while read -r reader; do
        for kind in fuzz unit; do
            files "tests/$kind/*.c" | xargs grep -qwE "$reader|${reader%_read}\.h" || echo "tests/$kind: nothing tries $reader"
        done
    done < <(sed -n 's/^READ(.*, \([a-z0-9_]*\))$/\1/p' server/weights/formats.def | sort -u)
}

folders() {
    local folder
    while read -r folder; do
        [ -f "$folder/README.md" ] || echo "$folder/README.md: missing"
    done < <(files '*.c' '*.h' '*.sh' '*.py' | sed 's|/[^/]*$||' | sort -u)
}

# The pages' word about other files.
pages() { python3 tests/lint/pages.py "$1"; }

# The picture of README.md shows panels of the dashboard that there is.
pictured() {
    local titles
    titles=$(sed -nE 's/.*class="panel-title"[^>]*>([^<]+)<.*/\1/p' server/picture.svg | sort | grep .) || return
    comm -23 - <(jq -r '.panels[].title' configs/grafana/dashboards/axond.json | sort) <<<"$titles" |
        sed 's|^|server/picture.svg: no panel of the dashboard: |'
}

# Operators copy these: probes ask routes, at the port that the image listens on; the unit is as locked up as its page says.
deployable() {
    local path port unit=docker/axond.service
    while read -r path; do
        routes | grep -xF "$path GET" >/dev/null || echo "docker/kubernetes.yaml: no route $path"
    done < <(sed -nE 's/.*httpGet: \{path: ([^,]+),.*/\1/p' docker/kubernetes.yaml)
    port=$(sed -n 's/^EXPOSE //p' docker/Dockerfile | sort -u)
    grep -q "containerPort: $port}" docker/kubernetes.yaml || echo "docker/kubernetes.yaml: the image exposes $port"
    command -v systemd-analyze >/dev/null || return 0
    systemd-analyze security --offline=yes --threshold=20 "$unit" >/dev/null 2>&1 || echo "$unit: exposure of 2 or more"
    { systemd-analyze verify "$unit" 2>&1 || true; } | search -v ' is not executable: ' | sed "s|^|$unit: |"
}

# The newest heading of the changelog is the version that the Makefile builds.
changelog() {
    local newest built
    newest=$(sed -nE 's/^## ([0-9.]+).*/\1/p' server/CHANGELOG.md | head -n 1)
    built=$(sed -nE 's/^VERSION := (.+)/\1/p' Makefile)
    [ "$newest" = "$built" ] || echo "server/CHANGELOG.md: the newest version is ${newest:-none}, the Makefile's is ${built:-none}"
}

# A configuration that nothing loads rots: each file, or a folder that it is in, is named by a test.
loaded_configs() {
    local path part readers
    mapfile -t readers < <(files Makefile 'tests/*.sh' 'tests/*.c' 'docker/*' ':!tests/lint/lints.sh')
    while read -r path; do
        case $path in */README.md) continue ;; esac
        part=$path
        while [ "$part" != configs ]; do
            grep -qF -- "$part" "${readers[@]}" && continue 2
            part=${part%/*}
        done
        echo "$path:1: no test loads it"
    done < <(files 'configs/*')
}

check "openapi.json describes the routes and methods of routes.def and no others" described_routes
check "openapi.json asks for the keys that routes.def does" described_access
check "every route and method of routes.def has a case in tests/api" tried_routes
check "openapi.json describes the parameters of each path" described_parameters
check "openapi.json describes the dialects" described_dialects
check "openapi.json describes the codes of errors" described_errors
check "openapi.json describes the options of losses" described_options
check "openapi.json has no key twice" twice
check "openapi.json names each operation" named_operations
check "every error is used" used_errors
check "every option is read" used_options
check "every metric is counted" used_metrics
check "every header is read or written" used_headers
check "every format of weights is fuzzed and has a unit test" tried_formats
check "every folder with sources has a README.md" folders
check "links of pages lead to files and sections that exist" pages links
check "files that pages name exist" pages names
check "make has the targets that pages name" pages makes
check "commands of pages stand where t9000 runs them, and data parses" pages blocks
check "the changelog begins with the version of the Makefile" changelog
check "README's picture shows panels that exist" pictured
check "what is to be deployed fits the daemon" deployable
check "every file of configs is loaded by a test" loaded_configs
finish
