"""A handler of OpenFaaS' template python3-http."""

import json
import time


def handle(event, context):
    word = json.loads(event.body)["do"] if event.body else event.path.strip("/")
    print("asked to", word)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return {"statusCode": 200, "body": {"did": word}, "headers": {"X-Query": str(event.query)}}
