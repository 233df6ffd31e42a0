"""A function of Kubeless'."""

from urllib.parse import unquote


def handler(event, context):
    """Answers a request, which the event brings along."""
    request = event["extensions"]["request"]
    print("asked for", request.path)
    name = unquote(request.path.rsplit("/", 1)[-1])
    return f"Hello, {name}!\n"
