"""An Azure custom handler in both modes."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(404, "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path.startswith("/api/"):
            return self.answer(201, f"forwarded {self.path} {body}")
        data = json.loads(body)["Data"]
        if "fail" in body:
            return self.answer(500, "it failed")
        if "item" in data:
            return self.answer(200, json.dumps({"Outputs": {}, "Logs": ["an item"], "ReturnValue": json.loads(data["item"])}))
        req = data["req"]
        res = {"statusCode": 202, "body": {"name": req["Query"]["name"], "body": req["Body"]}, "headers": {"X-Mine": "1"}}
        self.answer(200, json.dumps({"Outputs": {"res": res}, "Logs": ["a line"], "ReturnValue": None}))

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
