"""A web server of Python's own library."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def act(self, word):
        print("asked to", word, flush=True)
        if word == "slow":
            time.sleep(60)
        body = json.dumps({"did": word}).encode()
        self.send_response(500 if word == "fail" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.act(self.path.strip("/"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.act(json.loads(body)["do"])


HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
