#!/usr/bin/env bash
# Makes build/venv-clients with the tools of requirements.txt, from PyPI; the file `complete` in it says that they are there.
# Not reaching PyPI is no error here: the tests say what they skip.
set -u
cd "$(dirname "$0")/../.." || exit 1
venv=build/venv-clients
[ -e $venv/complete ] && [ ! tests/clients/requirements.txt -nt $venv/complete ] && exit
rm -f $venv/complete
if [ -x $venv/bin/python ] || python3 -m venv $venv; then
    $venv/bin/pip install -q --disable-pip-version-check -r tests/clients/requirements.txt && touch $venv/complete
fi
[ -e $venv/complete ] || echo "test-clients: PyPI cannot be reached, or there is no python3-venv"
exit 0
