"""A function of Fn Project's."""

import fdk
from fdk import customer_code, response


def handler(ctx, data=None):
    """Answers a request."""
    name = ctx.RequestURL().rsplit("/", 1)[-1]
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return response.Response(ctx, f"Hello, {name}!\n", headers)


if __name__ == "__main__":
    fdk.handle(customer_code.Function(__file__, entrypoint="handler"))
