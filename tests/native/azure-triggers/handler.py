"""A custom handler of Azure Functions with a queue and a timer: says what it is given."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(404, None)

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"path": self.path, **call}
        failed = "poison" in json.dumps(call["Data"])
        logs = ["SAW " + json.dumps(said)]
        self.answer(500 if failed else 200, {"Outputs": {"copies": ["x"]}, "Logs": logs, "ReturnValue": None})
        if failed:
            print(logs[0], flush=True)

    def log_message(self, *_):
        pass


port = int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
