"""A function of Alibaba Cloud's Function Compute, behind an HTTP trigger."""

import json
from urllib.parse import unquote


def handler(event, context):
    """Answers a request, which is the event's JSON."""
    request = json.loads(event)
    context.get_logger().info("asked for %s", request["rawPath"])
    name = unquote(request["rawPath"].rsplit("/", 1)[-1])
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return {"statusCode": 200, "headers": headers, "body": f"Hello, {name}!\n"}
