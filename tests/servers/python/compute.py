"""A custom runtime of Function Compute, as its documentation shows them."""

import os

from flask import Flask, request

app = Flask(__name__)
begun = []


@app.post("/initialize")
def initialize():
    begun.append(request.headers["x-fc-request-id"])
    return "OK"


@app.post("/invoke")
def invoke():
    event = request.get_data(as_text=True)
    if event == "fail":
        return {"errorMessage": "it failed"}, 404, [("x-fc-status", "404")]
    return f"{len(begun)} {request.headers['x-fc-function-name']} {event}", 200, [("x-fc-status", "200")]


@app.get("/pre-stop")
def pre_stop():
    print("pre-stop", flush=True)
    return "OK"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["FC_CUSTOM_LISTEN_PORT"]))
