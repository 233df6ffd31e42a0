#!/bin/sh
# Makes my-function.wasm of app.py. The tools go into .venv, once.
set -eu
if ! test -x .venv/bin/componentize-py; then
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
fi
export PYTHONDONTWRITEBYTECODE=1
exec .venv/bin/componentize-py -d wit -w function componentize app -o my-function.wasm
