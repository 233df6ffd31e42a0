"""Serves handlers of platforms whose own runtimes are servers: `python shim.py PLATFORM`.

This file is the server, and a file beside it, named like the platform, is what that platform's runtime
does with a request.
"""

import importlib
import importlib.util
import json
import os
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))


class Request:
    """What is asked for: method, path with its query, header fields and the whole body."""

    def __init__(self, method, path, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = path.partition("?")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: Nagle's algorithm would wait for the second.
    wbufsize = -1

    def __getattr__(self, name):
        # Whatever the method is called.
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def handle_any(self):
        request = Request(self.command, self.path, self.headers, self.body())
        status, headers, body = self.server.answer(request)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


def as_json(status, value):
    """An answer that is JSON."""
    return status, [("Content-Type", "application/json")], json.dumps(value).encode()


def find(name, default_module=None, default_name="handler"):
    """The function that `MODULE.FUNCTION` means, MODULE being a file of the package."""
    module, dot, function = (name or default_name).rpartition(".")
    loaded = importlib.import_module((module or default_module).replace("/", "."))
    return getattr(loaded, function)


def explain():
    """Puts the error that is being handled into the log, without the frames of these files."""
    kind, error, trace = sys.exc_info()
    frames = [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith(HERE)]
    shown = "".join(traceback.format_list(frames) + traceback.format_exception_only(kind, error))
    print("Traceback (most recent call last):\n" + shown.rstrip("\n"), file=sys.stderr, flush=True)


def broken(error):
    """The code cannot be run: says why, and ends."""
    explain()
    sys.exit(1)


def serve(answer, port):
    """Answers whatever is asked with `answer`, for ever."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads, server.answer = True, answer
    server.serve_forever()


def main():
    platform = sys.argv[1]
    root = os.getcwd()
    layers = f"/opt/python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    libraries = [root, f"{root}/.python_packages/lib/site-packages", layers, "/opt/python"]
    sys.path[:] = libraries + [path for path in sys.path if path not in (HERE, root)]
    # By its place: a package may have a module of that name.
    spec = importlib.util.spec_from_file_location(f"_casemate_{platform}", f"{HERE}/{platform}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.run(sys.modules[__name__], root)


if __name__ == "__main__":
    main()
