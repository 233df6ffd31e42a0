"""Functions of Azure's Python model, version 2, over the published library `azure-functions`."""

import asyncio
import importlib
import inspect
import json
import os
import re
import threading
import urllib.parse


def pattern(route):
    """A route's template as an expression, and how many of its parts are plain."""
    text, plain = "", 0
    for part in filter(None, route.split("/")):
        named = re.fullmatch(r"\{(\*?)(\w+)(:[^?}]*)?(\??)\}", part)
        if not named:
            text, plain = text + "/" + re.escape(part), plain + 1
        elif named[1]:
            text += f"(?:/(?P<{named[2]}>.*))?"
        else:
            one = f"/(?P<{named[2]}>[^/]+)"
            text += f"(?:{one})?" if named[4] else one
    return re.compile(text + "/?", re.IGNORECASE), plain


def prefix(root):
    try:
        with open(f"{root}/host.json", encoding="utf-8") as file:
            return json.load(file)["extensions"]["http"]["routePrefix"]
    except (OSError, ValueError, KeyError, TypeError):
        return "api"


class Output:
    """Where a function puts what leads nowhere here."""

    def __init__(self):
        self.value = None

    def set(self, value):
        self.value = value

    def get(self):
        return self.value


class Function:
    def __init__(self, found, before):
        self.name, self.call = found.get_function_name(), found.get_user_function()
        trigger = found.get_trigger()
        self.kind, self.argument = trigger.get_binding_name(), trigger.name
        self.outputs = [it.name for it in found.get_bindings() if int(it.direction) == 1 and it.name != "$return"]
        if self.kind == "httpTrigger":
            route = self.name if trigger.route is None else trigger.route
            self.pattern, self.plain = pattern(f"{before}/{route}")
            self.methods = {getattr(it, "value", it).upper() for it in trigger.methods or []}

    def run(self, value, invocation):
        names = inspect.signature(self.call).parameters
        outputs = {name: Output() for name in self.outputs if name in names}
        given = {self.argument: value} | outputs
        if "context" in names and "context" not in given:
            given["context"] = invocation
        result = self.call(**given)
        if inspect.isawaitable(result):
            result = asyncio.run(result)
        return result, {name: output.value for name, output in outputs.items()}


def run(shim, root):
    try:
        azure = importlib.import_module("azure.functions")
        module = importlib.import_module("function_app")
        apps = [it for it in vars(module).values() if hasattr(it, "get_functions") and not isinstance(it, type)]
        apps = [it for it in apps if type(it).__name__ != "Blueprint"]
        only, before = os.environ.get("CASEMATE_HANDLER"), prefix(root)
        found = [Function(it, before) for app in apps for it in app.get_functions()]
        found = [it for it in found if not only or it.name == only]
        if not found:
            raise LookupError(f"function_app.py has no function {only or 'at all'}")
    except Exception as error:
        shim.broken(error)
    served = sorted((it for it in found if it.kind == "httpTrigger"), key=lambda it: -it.plain)

    class Invocation(azure.Context):
        def __init__(self, name, request):
            self.id, self.name, self.local = request.headers.get("x-azure-functions-invocationid", ""), name, threading.local()
            self.parent = request.headers.get("traceparent")

        invocation_id = property(lambda self: self.id)
        function_name = property(lambda self: self.name)
        function_directory = property(lambda self: root)
        thread_local_storage = property(lambda self: self.local)
        trace_context = property(lambda self: None)
        retry_context = property(lambda self: None)

    def over_http(result, outputs):
        for value in outputs.values():
            result = value if isinstance(value, azure.HttpResponse) else result
        if result is None:
            return 204, [], b""
        if not isinstance(result, azure.HttpResponse):
            return 200, [("Content-Type", "text/plain; charset=utf-8")], str(result).encode()
        headers = list(result.headers.items())
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", f"{result.mimetype}; charset={result.charset}"))
        return result.status_code, headers, result.get_body() or b""

    def asked(request):
        for it in served:
            path = it.pattern.fullmatch(request.path)
            if path and (not it.methods or request.method in it.methods):
                host = request.headers.get("host", "localhost")
                asks = azure.HttpRequest(
                    request.method, f"http://{host}{request.path}" + (f"?{request.query}" if request.query else ""),
                    headers=dict(request.headers.items()),
                    params=dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True)),
                    route_params={name: value for name, value in path.groupdict().items() if value is not None},
                    body=request.body,
                )
                return over_http(*it.run(asks, Invocation(it.name, request)))
        return 404, [], b""

    def told_of(metadata):
        """What the host says beside an event: texts are JSON, times are not."""
        def datum(value):
            if not isinstance(value, str):
                return azure.meta.Datum(json.dumps(value), "json")
            try:
                json.loads(value)
            except ValueError:
                return azure.meta.Datum(value, "string")
            return azure.meta.Datum(value, "json")

        return {name: datum(value) for name, value in metadata.items()}

    def decode(kind, value, metadata):
        """An event, by the converter that the library has for it."""
        meta = azure.meta
        binding, text = azure.get_binding_registry().get(kind), value if isinstance(value, str) else json.dumps(value)
        tries = [(text, "json"), (text, "string"), (text.encode(), "bytes")]
        for data, form in tries[1:] + tries[:1] if isinstance(value, str) else tries:
            try:
                return binding.decode(meta.Datum(data, form), trigger_metadata=told_of(metadata))
            except (NotImplementedError, ValueError):
                continue
        raise ValueError(f"{kind} cannot be made of this event")

    def meant(sort):
        """The function that an event is for: one with such a trigger, or else the first."""
        it = next((it for it in found if it.kind == sort), found[0])
        if sort == "timerTrigger" and it.kind not in (sort, "httpTrigger"):
            raise LookupError("no function has a timer")
        return it

    def told(request):
        call = json.loads(request.body)
        it = meant(request.headers.get("x-azure-functions-event"))
        value, metadata = next(iter(call["Data"].values())), call.get("Metadata") or {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                pass
        if it.kind == "httpTrigger":
            body = json.dumps(value).encode()
            headers = {"content-type": "application/json"}
            asks = azure.HttpRequest("POST", "http://localhost/", headers=headers, params={}, route_params={}, body=body)
            status, _, said = over_http(*it.run(asks, Invocation(it.name, request)))
            said, outputs = said.decode(errors="replace"), {}
            try:
                said = json.loads(said)
            except ValueError:
                pass
        else:
            said, outputs = it.run(decode(it.kind, value, metadata), Invocation(it.name, request))
            status, outputs = 200, {name: str(it) for name, it in outputs.items() if it is not None}
        plain = isinstance(said, (str, int, float, bool, dict, list, type(None)))
        said = {"Outputs": outputs, "Logs": [], "ReturnValue": said if plain else str(said)}
        return shim.as_json(500 if status >= 500 else 200, said)

    def answer(request):
        if "x-azure-functions-invocationid" not in request.headers:
            # The platform looks whether somebody is there.
            return 404, [], b""
        try:
            return told(request) if request.headers.get("x-azure-functions-event") else asked(request)
        except Exception:
            shim.explain()
            return 500, [], b""

    shim.serve(answer, int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"]))
