#!/bin/sh
# Makes dist/: the function, and what package-lock.json names beside it.
set -eu
if ! cmp -s package-lock.json dist/package-lock.json; then
    rm -rf dist
    mkdir dist
    cp package.json dist/
    # In a directory of its own, so that half of it is never taken for all.
    cp package-lock.json dist/npm-shrinkwrap.json
    (cd dist && npm ci --omit=dev --ignore-scripts --no-audit --no-fund)
    mv dist/npm-shrinkwrap.json dist/package-lock.json
fi
cp package.json <files> dist/
