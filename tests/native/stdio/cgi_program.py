"""A program of the Common Gateway Interface: a WSGI application, by Python's own handler for CGI."""

import json
import sys
import time
from wsgiref.handlers import CGIHandler


def application(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    text = environ["wsgi.input"].read(length)
    word = json.loads(text)["do"] if text else environ["PATH_INFO"].strip("/")
    print("asked to", word, file=environ["wsgi.errors"])
    if word == "slow":
        time.sleep(60)
    if word == "fail":
        sys.exit(1)
    status = "404 Not Found" if word == "missing" else "200 OK"
    start_response(status, [("Content-Type", "application/json"), ("X-By", "wsgi")])
    seen = {name: value for name, value in environ.items() if isinstance(value, str)}
    return [json.dumps(seen if word == "environment" else {"did": word}).encode()]


CGIHandler().run(application)
