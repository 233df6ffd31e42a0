"""A function of Kubeless's."""

import time


def handler(event, context):
    assert event["event-id"] and event["event-time"] and context["timeout"]
    word = event["data"]["do"] if event["data"] else event["extensions"]["request"].path.strip("/")
    print("asked to", word, flush=True)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return {"did": word}
