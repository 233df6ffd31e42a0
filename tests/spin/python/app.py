"""An application of Spin's in Python, as its users write one."""

from spin_sdk import http, key_value, variables
from spin_sdk.http import Request, Response


class IncomingHandler(http.IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        path = request.uri.split("?")[0]
        if path == "/count":
            with key_value.open_default() as store:
                count = int(store.get("count") or b"0") + 1
                store.set("count", str(count).encode())
            text = str(count)
        elif path == "/greeting":
            text = variables.get("greeting")
        elif path == "/note":
            with open("/notes/note.txt") as file:
                text = file.read().strip()
        else:
            text = request.headers["spin-path-info"]
        return Response(200, {"content-type": "text/plain"}, bytes(text + "\n", "utf-8"))
