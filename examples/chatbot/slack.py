"""A stand-in for Slack.

python3 slack.py             takes what bots post, and says it
python3 slack.py say TEXT    sends TEXT to the bot, signed, as Slack sends what people write
"""

import hashlib
import hmac
import json
import sys
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

API = "http://127.0.0.1:9098"
BOT = "http://127.0.0.1:8080/.casemate/webhooks/chat"
SIGNING_SECRET = b"the-signing-secret-of-this-example"
BOT_TOKEN = "the-bot-token-of-this-example"


class Slack(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] == f"Bearer {BOT_TOKEN}":
            print(f"the bot says in {message['channel']}: {message['text']}", flush=True)
            answer = {"ok": True}
        else:
            print("somebody without the bot's token was refused", flush=True)
            answer = {"ok": False, "error": "invalid_auth"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def say(text):
    event = {"type": "message", "channel": "C024BE91L", "user": "U2147483697", "text": text}
    body = {"type": "event_callback", "event_id": "Ev" + uuid.uuid4().hex[:9].upper(), "event": event}
    body, now = json.dumps(body), str(int(time.time()))
    signed = hmac.new(SIGNING_SECRET, f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
    fields = {
        "content-type": "application/json",
        "x-slack-request-timestamp": now,
        "x-slack-signature": f"v0={signed}",
    }
    began = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(BOT, body.encode(), fields)) as answer:
        took = time.monotonic() - began
        print(f"the platform answered {answer.status} after {took:.3f} s; Slack waits for 3 s")


if sys.argv[1:2] == ["say"]:
    say(" ".join(sys.argv[2:]))
else:
    address = urlsplit(API)
    print(f"Slack is at {API}", flush=True)
    HTTPServer((address.hostname, address.port), Slack).serve_forever()
