"""A payment service that says what it was sent, and repeats it: python3 payments.py [PORT]"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Payments(BaseHTTPRequestHandler):
    def do_POST(self):
        charge = json.loads(self.rfile.read(int(self.headers["content-length"])))
        print("charged:", json.dumps(charge), flush=True)
        body = json.dumps({"id": "ch-1", "card": charge["card"]["number"]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9099), Payments)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
