#!/bin/sh
# Makes dist/: the function, and what requirements.txt names beside it. It names all that is needed to
# run; the library names what is needed to test it, too.
set -eu
export PYTHONDONTWRITEBYTECODE=1
if ! cmp -s requirements.txt dist/requirements.txt; then
    rm -rf dist
    mkdir dist
    python3 -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --target dist -r requirements.txt
    # Written last: a build that broke off begins again.
    cp requirements.txt dist/
fi
cp func.py dist/
