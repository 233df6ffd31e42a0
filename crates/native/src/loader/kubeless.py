"""Kubeless' runtime: every request but `/healthz` calls `handler(event, context)`."""

import json
import os

NAMES = ("event-id", "event-type", "event-time", "event-namespace")


def run(shim, root):
    env = os.environ.get
    try:
        handler = shim.find(f"{env('MOD_NAME')}.{env('FUNC_HANDLER')}")
    except Exception as error:
        shim.broken(error)
    context = {
        "function-name": env("FUNC_HANDLER"),
        "timeout": env("FUNC_TIMEOUT"),
        "runtime": env("FUNC_RUNTIME"),
        "memory-limit": env("FUNC_MEMORY_LIMIT"),
    }

    def answer(request):
        if request.path == "/healthz":
            return 200, [], b"OK"
        try:
            data = request.body.decode("utf-8", "surrogateescape")
            if "json" in request.headers.get("Content-Type", "") and data:
                data = json.loads(data)
            event = {name: request.headers.get(name) for name in NAMES}
            result = handler(event | {"data": data, "extensions": {"request": request}}, context)
            if isinstance(result, (dict, list)):
                return shim.as_json(200, result)
            return 200, [], result if isinstance(result, bytes) else str("" if result is None else result).encode()
        except Exception:
            shim.explain()
            return 500, [("Content-Type", "text/plain")], b"Internal Server Error"

    shim.serve(answer, int(env("FUNC_PORT")))
