"""Function Compute's managed runtime: `handler(event, context)` with the event's bytes."""

import base64
import json
import logging
import os
import sys
import time
import traceback
import urllib.parse


class Fields:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def context_of(headers, logger):
    """What a handler gets beside its event. There are no credentials to be had."""
    said = lambda name: headers.get(f"x-fc-{name}", "")
    number = lambda name: int(said(name) or 0)
    return Fields(
        request_id=said("request-id"), requestId=said("request-id"), region=said("region"),
        account_id=said("account-id"), qualifier=said("qualifier"), version_id=said("version-id"),
        credentials=Fields(access_key_id="", access_key_secret="", security_token=""),
        function=Fields(
            name=said("function-name"), handler=said("function-handler"),
            memory=number("function-memory"), timeout=number("function-timeout"),
        ),
        service=Fields(name="", log_project="", log_store="", qualifier="", version_id=""),
        get_logger=lambda: logger,
    )


def trigger(request):
    """A request, as the HTTP trigger of a managed runtime tells it."""
    said = request.headers.get
    try:
        body, encoded = request.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(request.body).decode(), True
    now = time.time()
    domain = said("host", "")
    return json.dumps({
        "version": "v1", "rawPath": request.path, "body": body, "isBase64Encoded": encoded,
        "headers": {name: value for name, value in request.headers.items() if not name.lower().startswith("x-fc-")},
        "queryParameters": dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True)),
        "requestContext": {
            "accountId": said("x-fc-account-id", ""), "domainName": domain, "domainPrefix": domain.split(".")[0],
            "http": {
                "method": request.method, "path": request.path, "protocol": "HTTP/1.1",
                "sourceIp": said("x-forwarded-for", ""), "userAgent": said("user-agent", ""),
            },
            "requestId": said("x-fc-request-id", ""),
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)), "timeEpoch": str(int(now * 1000)),
        },
    }).encode()


def render(result):
    if isinstance(result, bytes):
        return result
    return result.encode() if isinstance(result, str) else json.dumps(result).encode()


def over_http(result):
    """An answer over HTTP, where the result is one."""
    found = result
    if isinstance(result, (str, bytes)):
        try:
            found = json.loads(result)
        except ValueError:
            pass
    if not isinstance(found, dict) or "statusCode" not in found:
        return 200, [], render(result)
    body = found.get("body") or ""
    body = base64.b64decode(body) if found.get("isBase64Encoded") else render(body)
    return int(found["statusCode"]), list((found.get("headers") or {}).items()), body


def run(shim, root):
    logger = logging.getLogger()
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.setLevel(logging.INFO)
    try:
        handler = shim.find(os.environ.get("FC_FUNCTION_HANDLER"), "index")
    except Exception as error:
        shim.broken(error)

    def answer(request):
        path = request.headers.get("x-fc-control-path", "")
        http, context = path == "/http-invoke", context_of(request.headers, logger)
        try:
            if path in ("/initialize", "/pre-freeze", "/pre-stop"):
                hook = getattr(sys.modules[handler.__module__], path[1:].replace("-", "_"), lambda _: None)
                hook(context)
                return 200, [], b""
            print(f"FC Invoke Start RequestId: {context.request_id}", flush=True)
            result = handler(trigger(request) if http else request.body, context)
            return over_http(result) if http else (200, [], render(result))
        except Exception as error:
            shim.explain()
            trace = [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
            said = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}
            status, headers, body = shim.as_json(502 if http or path.startswith("/init") else 200, said)
            return status, headers + [("x-fc-status", "404")], body
        finally:
            if path.endswith("/invoke") or http:
                print(f"FC Invoke End RequestId: {context.request_id}", flush=True)

    shim.serve(answer, int(os.environ["FC_CUSTOM_LISTEN_PORT"]))
