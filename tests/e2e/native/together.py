"""A server that answers when four requests have come, and not before."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BARRIER = threading.Barrier(4)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        BARRIER.wait()
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
