"""Greets whoever the path names."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    """The exported handler of `wasi:http`."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        """Answers one request."""
        path = (request.path_with_query() or "/").split("?")[0]
        # What a function prints is its log.
        print(f"asked for {path}")
        name = path.split("/")[-1]
        send(response_out, f"Hello, {name}!\n")


def send(response_out: ResponseOutparam, text: str) -> None:
    """Sends a plain text."""
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(text.encode())
    OutgoingBody.finish(body, None)
