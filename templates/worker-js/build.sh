#!/bin/sh
# Makes dist/: the modules as they are. Packages of npm and TypeScript are bundled here.
set -eu
rm -rf dist
cp -R src dist
