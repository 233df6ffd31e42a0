"""A handler of OpenFaaS' template python3."""

import json
import time


def handle(req):
    word = json.loads(req)["do"] if req else "hello"
    print("asked to", word)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return json.dumps({"did": word})
