"""An action of Apache OpenWhisk's."""


def main(params):
    """Answers a request, as a web action does."""
    name = params["__ow_path"].rsplit("/", 1)[-1]
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return {"statusCode": 200, "headers": headers, "body": f"Hello, {name}!\n"}
