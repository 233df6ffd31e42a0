"""A web application that knows nothing of any platform, but for where it listens."""

import os
import time

from flask import Flask, Response, request

app = Flask(__name__)


@app.route("/hello", methods=["GET", "POST"])
def hello():
    return f"{request.method} {request.host} {request.get_data(as_text=True)}"


@app.get("/stream")
def stream():
    def pieces():
        for number in range(3):
            yield f"{number}\n"
            time.sleep(0.01)

    return Response(pieces(), mimetype="text/plain")


@app.post("/")
def event():
    return {"took": request.get_json()}


@app.get("/fail")
def fail():
    raise RuntimeError("it failed")


@app.get("/die")
def die():
    os._exit(3)


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
