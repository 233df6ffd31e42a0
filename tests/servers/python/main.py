"""Functions for the Functions Framework."""

import functions_framework


@functions_framework.http
def hello(request):
    if request.path == "/fail":
        raise RuntimeError("it failed")
    name = request.args.get("name", "world")
    return f"Hello {name}: {request.get_data(as_text=True)}", 200, {"X-Id": request.headers["Function-Execution-Id"]}


@functions_framework.cloud_event
def stored(event):
    if event["subject"] == "fail":
        raise RuntimeError("it failed")
    print(event["type"], event.data["name"], flush=True)
