"""A function of Knative's, with its library."""

from urllib.parse import unquote

from func_python.http import serve


class Function:
    """A new one is made when the server starts."""

    async def handle(self, scope, receive, send):
        """Answers a request, as ASGI has it."""
        name = unquote(scope["path"].rsplit("/", 1)[-1])
        body = f"Hello, {name}!\n".encode()
        headers = [[b"content-type", b"text/plain; charset=utf-8"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def new():
    """Makes the function."""
    return Function()


if __name__ == "__main__":
    serve(new)
