"""A function of Google's Functions Framework."""

import functions_framework


@functions_framework.http
def hello(request):
    """Answers a request, which is Flask's."""
    name = request.path.rsplit("/", 1)[-1]
    return f"Hello, {name}!\n", 200, {"content-type": "text/plain; charset=utf-8"}
