"""A custom handler of Azure Functions, in both modes."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def act(self, word):
        print("asked to", word, flush=True)
        if word == "slow":
            time.sleep(60)
        return (500 if word == "fail" else 200), {"did": word}

    def do_GET(self):
        if self.path == "/":
            # The host asks for it to find out whether the handler is there.
            return self.answer(404, None)
        self.answer(*self.act(self.path.strip("/")))

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        req = call["Data"]["req"]
        word = req.get("do") or req["Url"].rpartition("/")[2]
        status, value = self.act(word)
        res = {"statusCode": status, "body": value}
        self.answer(status, {"Outputs": {"res": res}, "Logs": ["a line"], "ReturnValue": value})

    def log_message(self, *_):
        pass


port = int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
