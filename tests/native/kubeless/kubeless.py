"""What Kubeless's image for Python brought: a server around `handler(event, context)`."""

import importlib
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

handler = getattr(importlib.import_module(os.environ["MOD_NAME"]), os.environ["FUNC_HANDLER"])
context = {
    "function-name": os.environ["FUNC_HANDLER"],
    "timeout": os.environ["FUNC_TIMEOUT"],
    "runtime": os.environ["FUNC_RUNTIME"],
    "memory-limit": os.environ["FUNC_MEMORY_LIMIT"],
}


class Server(BaseHTTPRequestHandler):
    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, "OK")
        self.called(None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.called(json.loads(body))

    def called(self, data):
        names = ["event-id", "event-type", "event-time", "event-namespace"]
        event = {name: self.headers.get(name) for name in names}
        event |= {"data": data, "extensions": {"request": self}}
        try:
            self.answer(200, json.dumps(handler(event, context)))
        except Exception as error:
            self.answer(500, str(error))


HTTPServer(("0.0.0.0", int(os.environ["FUNC_PORT"])), Server).serve_forever()
