"""A function of AWS Lambda that does what its event says."""

import os
import sys
import time


class Refused(Exception):
    """An error of the function's own."""


def handler(event, context):
    do = event.get("do", "echo") if isinstance(event, dict) else "echo"
    if do == "fail":
        raise Refused("no such order")
    if do == "exit":
        sys.stdout.flush()
        os._exit(7)
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "large":
        return "x" * event["bytes"]
    if do == "log":
        for number in range(event["lines"]):
            print("line", number, "." * 60)
    if do == "none":
        return None
    client = context.client_context
    return {
        "event": event,
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "client": client.custom if client else None,
        "greeting": os.environ.get("GREETING"),
        "version": VERSION,
        "function_version": context.function_version,
        "start": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"),
    }


VERSION = 1
