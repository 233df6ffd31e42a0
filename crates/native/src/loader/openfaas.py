"""What OpenFaaS' templates `python3-http` and `python3` have around a `handler.py`."""

import importlib
import inspect
import json
import os
import sys
import types
import urllib.parse


class Event:
    """The request, as `python3-http` gives it."""

    def __init__(self, request):
        self.body, self.headers, self.method, self.path = request.body, request.headers, request.method, request.path
        self.query = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))


class Context:
    def __init__(self):
        self.hostname = os.environ.get("HOSTNAME", "localhost")


def run(shim, root):
    # In an image the handler's directory is a package of this name.
    package = types.ModuleType("function")
    package.__path__ = [root]
    sys.modules["function"] = package
    module, _, name = os.environ.get("CASEMATE_HANDLER", "handler.handle").rpartition(".")
    try:
        handle = getattr(importlib.import_module(f"function.{module or 'handler'}"), name)
        classic = len(inspect.signature(handle).parameters) == 1
    except Exception as error:
        shim.broken(error)

    def render(result):
        whole = isinstance(result, dict) and ("statusCode" in result or "body" in result)
        body, status, headers = (
            (result.get("body"), result.get("statusCode", 200), result.get("headers") or {})
            if whole else (result, 200, {})
        )
        headers = dict(headers)
        if not isinstance(body, (str, bytes, type(None))):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        body = body if isinstance(body, bytes) else (body or "").encode()
        return int(status), list(headers.items()), body

    def answer(request):
        if request.path == "/_/health":
            return 200, [], b"OK"
        try:
            if classic:
                return render(handle(request.body.decode("utf-8", "surrogateescape")))
            return render(handle(Event(request), Context()))
        except Exception:
            shim.explain()
            return 500, [], b""

    shim.serve(answer, int(os.environ["PORT"]))
