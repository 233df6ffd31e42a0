"""An event function of Function Compute's, which has an HTTP trigger too."""

import json
import time


def handler(event, context):
    event = json.loads(event)
    word = event.get("do") or event["rawPath"].strip("/")
    assert context.request_id and context.function.timeout
    context.get_logger().info("asked to %s", word)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    if "do" in event:
        return {"did": word}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps({"did": word})}
