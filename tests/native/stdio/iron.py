"""A function of IronFunctions' default format: a process for each request."""

import json
import os
import sys
import time

text = sys.stdin.read()
word = json.loads(text)["do"] if text else os.environ["ROUTE"].strip("/")
print("asked to", word, file=sys.stderr)
if word == "fail":
    sys.exit(3)
if word == "slow":
    time.sleep(60)
if word == "environment":
    print(json.dumps(dict(os.environ)))
elif word == "deaf":
    pass
elif word == "large":
    sys.stdout.write("x" * (8 << 20))
elif word == "killed":
    os.kill(os.getpid(), 9)
    os.abort()
else:
    print(json.dumps({"did": word}))
