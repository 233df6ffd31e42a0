#!/bin/sh
# A function of OpenFaaS' classic watchdog: a process for each request.
text=$(cat)
word=$(echo "$text" | sed -n 's/.*"do":"\([a-z]*\)".*/\1/p')
test "$word" || word=${Http_Path#/}
echo "asked to $word" >&2
case $word in
  fail) exit 1 ;;
  slow) sleep 60 ;;
  environment) env ;;
  *) echo "{\"did\":\"$word\"}" ;;
esac
