#!/bin/sh
# What the CI runs, and what you can run before you push.
set -eux
casemate build
casemate test --no-build
