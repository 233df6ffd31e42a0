#!/bin/sh
# Makes dist/: the function, and what requirements.txt names beside it.
set -eu
export PYTHONDONTWRITEBYTECODE=1
if ! cmp -s requirements.txt dist/requirements.txt; then
    rm -rf dist
    mkdir dist
    python3 -m pip install --quiet --disable-pip-version-check --no-compile --target dist -r requirements.txt
    # Written last: a build that broke off begins again.
    cp requirements.txt dist/
fi
cp <files> dist/
