"""What OpenWhisk's image for Python brings, as far as it is needed here: it is told its code, and runs it."""

import base64
import io
import json
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

scope = {}


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["value"]
        try:
            status, answer = (self.init if self.path == "/init" else self.run)(said)
        except Exception as error:
            status, answer = 502, {"error": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def init(self, value):
        if scope:
            return 403, {"error": "Cannot initialize the action more than once."}
        assert value["binary"], "several files are a zip"
        package = zipfile.ZipFile(io.BytesIO(base64.b64decode(value["code"])))
        exec(package.read("__main__.py"), scope)
        return 200, {"ok": True}

    def run(self, value):
        return 200, scope["main"](value)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("0.0.0.0", 8080), Proxy).serve_forever()
