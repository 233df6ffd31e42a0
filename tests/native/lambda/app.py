"""A function of AWS Lambda's in Python: what it is asked stands in the path, or in the event."""

import time


def handler(event, context):
    word = event.get("do") or event["rawPath"].strip("/")
    print("asked to", word, flush=True)
    if word == "fail":
        raise ValueError("it failed")
    if word == "slow":
        time.sleep(60)
    return {"did": word}
