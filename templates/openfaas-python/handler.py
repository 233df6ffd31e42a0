"""A handler of OpenFaaS' template `python3-http`."""

from urllib.parse import unquote


def handle(event, context):
    """Answers a request."""
    name = unquote(event.path.rsplit("/", 1)[-1])
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return {"statusCode": 200, "headers": headers, "body": f"Hello, {name}!\n"}
