"""A service of Google Cloud Run's."""

from flask import Flask

app = Flask(__name__)


@app.get("/my-function/<name>")
def hello(name):
    """Greets by name."""
    return f"Hello, {name}!\n", 200, {"content-type": "text/plain; charset=utf-8"}
