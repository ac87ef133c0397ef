# shellcheck shell=bash
# debian.bash - a minimal Debian as a tar file, from the mirror that this machine's apt uses. Sourced by podman.sh, whose
# images begin with one, and by .ci/bare, which builds axond in two.
#
#   debian_base SUITE   build/debian/SUITE.tar: made once, and again after the mirror has changed. 1 if no mirror is known.
#                       Needs root and mmdebstrap.

# The Debian archive in apt's sources; not its security archive, which has the same origin.
debian_mirror() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
        awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }'
}

# How apt on this machine gets there, for the apt in the base: proxies and the like.
debian_transport() {
    apt-config dump --no-empty --format '%f "%v";%n' |
        grep -E '^Acquire::((http|https)::Proxy|Retries|ForceIPv[46]|Check-Valid-Until)\b' || true
}

debian_base() {
    local suite=$1 tar=build/debian/$1.tar uri made_from option options=(--aptopt='Acquire::Languages "none"')
    uri=$(debian_mirror)
    if [ -z "$uri" ]; then
        echo "apt on this machine knows no Debian mirror"
        return 1
    fi
    while IFS= read -r option; do
        [ -z "$option" ] || options+=(--aptopt="${option%;}")
    done < <(debian_transport)
    # As the official slim image: no documentation, manuals or translations.
    for option in doc man info locale; do
        options+=(--dpkgopt="path-exclude=/usr/share/$option/*")
    done
    made_from="$uri ${options[*]}"
    [ "$(cat "$tar.from" 2>/dev/null)" != "$made_from" ] || [ ! -s "$tar" ] || return 0
    echo "# making a minimal Debian $suite: a minute, once"
    mkdir -p build/debian
    # .tar makes it a tar file
    mmdebstrap --quiet --variant=minbase "${options[@]}" "$suite" "build/debian/new-$suite.tar" "$uri" || return
    mv "build/debian/new-$suite.tar" "$tar"
    echo "$made_from" >"$tar.from"
}
