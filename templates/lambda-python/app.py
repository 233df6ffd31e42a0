"""A function of AWS Lambda's."""

from urllib.parse import unquote


def handler(event, context):
    """Answers a request, which comes as the event of a function URL."""
    name = unquote(event["rawPath"].rsplit("/", 1)[-1])
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/plain; charset=utf-8"},
        "body": f"Hello, {name}!\n",
    }
