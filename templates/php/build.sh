#!/bin/sh
# Looks for mistakes, and makes dist/: the files, and what composer.json names if there is one.
set -eu
php -l public/index.php
rm -rf dist
mkdir dist
if test -f composer.json; then
    cp composer.* dist/
    composer install --no-dev --no-interaction --quiet --working-dir dist
fi
cp -R public dist/
