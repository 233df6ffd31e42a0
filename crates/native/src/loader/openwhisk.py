"""OpenWhisk's runtime: `POST /init` once, then `POST /run` for each activation."""

import importlib
import json
import os
import sys
import threading

SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
TWICE = 403, {"error": "Cannot initialize the action more than once."}


def run(shim, root):
    one = threading.Lock()
    action = None

    def init(value):
        """The code is there already: the package."""
        nonlocal action
        if action is not None:
            return TWICE
        for name, said in (value.get("env") or {}).items():
            os.environ[name] = said if isinstance(said, str) else json.dumps(said)
        try:
            action = load(value.get("main") or "main")
        except Exception:
            shim.explain()
            return 502, {"error": "The action failed to initialize. See logs for details."}
        return 200, {"ok": True}

    def load(main):
        # A zip has `__main__.py`, and this program is what Python calls so.
        if "." in main:
            return shim.find(main)
        if os.path.isfile(f"{root}/__main__.py"):
            del sys.modules["__main__"]
            return getattr(importlib.import_module("__main__"), main)
        return shim.find(main, "main")

    def activate(said):
        if action is None:
            return 502, {"error": "The action is not initialized."}
        for name, value in said.items():
            if name != "value":
                os.environ[f"__OW_{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
        try:
            result = action(said.get("value") or {})
            text = json.dumps(result)
        except Exception:
            shim.explain()
            return 502, {"error": "An error has occurred while invoking the action (see logs for details)."}
        finally:
            for stream in (sys.stdout, sys.stderr):
                print(SENTINEL, file=stream, flush=True)
        if not isinstance(result, (dict, list)):
            return 502, {"error": "The action did not return a dictionary."}
        return 200, json.loads(text)

    def answer(request):
        ways = {"/init": lambda said: init(said.get("value") or {}), "/run": activate}
        way = ways.get(request.path)
        if request.method != "POST" or way is None:
            return shim.as_json(404, {"error": "There is /init and /run."})
        try:
            said = json.loads(request.body)
        except ValueError:
            return shim.as_json(400, {"error": "The request is no JSON."})
        if not isinstance(said, dict):
            return shim.as_json(400, {"error": "The request is no object."})
        if way is not activate and action is not None:
            return shim.as_json(*TWICE)
        # `__OW_*` are of one activation.
        with one:
            return shim.as_json(*way(said))

    shim.serve(answer, 8080)
