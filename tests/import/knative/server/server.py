import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        names = ["TARGET", "API_TOKEN", "DB_PASSWORD", "K_SERVICE"]
        body = json.dumps({"path": self.path, **{name: os.environ.get(name) for name in names}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 9090), Hello).serve_forever()
