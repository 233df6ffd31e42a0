"""A function as OpenFaaS' templates with Flask have it: a server behind a watchdog, or alone."""

import os
import time

from flask import Flask, request

app = Flask(__name__)


@app.route("/", defaults={"path": ""}, methods=["GET", "POST"])
@app.route("/<path:path>", methods=["GET", "POST"])
def asked(path):
    word = path or request.get_json(force=True)["do"]
    print("asked to", word, flush=True)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return {
        "did": word,
        "path": request.path,
        "call": request.headers.get("X-Call-Id"),
        "watched": "WATCHED" in os.environ,
    }
