# shellcheck shell=bash
# tree.bash - a copy of the tree under test: a clone, with what is not committed yet. Sourced by anywhere.sh and .ci/bare, which
# both stand at the top of it.

copy_tree() { # copy_tree FOLDER
    git clone -q . "$1"
    { git diff HEAD --name-only --diff-filter=d -z && git ls-files -o --exclude-standard -z; } |
        tar -c --null -T - -f - | tar -x -C "$1" -f -
    git diff HEAD --name-only --diff-filter=D -z | (cd "$1" && xargs -0 -r rm)
}
