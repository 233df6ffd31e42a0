#!/bin/sh
# Makes dist/: the classes, and what pom.xml names in lib/.
set -eu
mvn --quiet --batch-mode compile dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory=target/lib
rm -rf dist
mkdir dist
cp -R target/classes/. dist/
cp -R target/lib dist/
