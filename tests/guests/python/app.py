"""Says hello, and how long a posted body was. `/count` counts in a key-value store."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import atomics, store
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Get,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    """The exported handler."""

    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        """Answers one request."""
        if (request.path_with_query() or "").endswith("/count"):
            return answer(response_out, f"{count()}\n".encode())
        text = "hello from Python"
        if not isinstance(request.method(), Method_Get):
            text += f", {length(request)} bytes"
        answer(response_out, f"{text}\n".encode())


def count() -> str:
    """Counts how often it was called."""
    try:
        with store.open("default") as bucket:
            return str(atomics.increment(bucket, "count", 1))
    except Err as error:
        return type(error.value).__name__


def length(request: IncomingRequest) -> int:
    """Reads the body to its end and counts it."""
    total = 0
    with request.consume() as body, body.stream() as stream:
        while True:
            try:
                total += len(stream.blocking_read(64 * 1024))
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return total
                raise


def answer(response_out: ResponseOutparam, text: bytes) -> None:
    """Sends a plain text."""
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(text)
    OutgoingBody.finish(body, None)
