"""A web application with Flask, on the port that it is told by either of two names."""

import os
import time

from flask import Flask, request

app = Flask(__name__)


def act(word):
    print("asked to", word, flush=True)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return {"did": word}


@app.get("/<word>")
def asked(word):
    return act(word)


@app.post("/")
@app.post("/invoke")
def event():
    return act(request.get_json(force=True)["do"])


@app.post("/initialize")
def initialize():
    return "OK"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("FC_CUSTOM_LISTEN_PORT") or os.environ["PORT"]))
