"""Runs a Python function of AWS Lambda's contract.

Started before it is known for whom: it imports what every function needs, then waits for one line of
JSON on standard input with the process's environment and the handler.
A package that brings `awslambdaric` is run by that, unmodified.
"""

import datetime
import decimal
import http.client
import importlib.util
import io
import json
import logging
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse  # noqa: F401  (most functions import it, and nearly all of it is here already)

API = "/2018-06-01/runtime"
_invocation = threading.local()


class Fault(Exception):
    """An error of the function's that has a name of AWS's."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace or []


class Fields:
    """Named fields, each None if it was not sent."""

    def __init__(self, names, said):
        for name in names:
            setattr(self, name, (said or {}).get(name))


class Context:
    """What a handler gets beside its event: the attributes of awslambdaric's."""

    def __init__(self, headers):
        env = os.environ.get
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.tenant_id = headers.get("Lambda-Runtime-Aws-Tenant-Id")
        self.function_name = env("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env("AWS_LAMBDA_LOG_STREAM_NAME")
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms") or 0)
        identity = _json_header(headers, "Lambda-Runtime-Cognito-Identity") or {}
        self.identity = Fields((), None)
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        self.client_context = None
        client = _json_header(headers, "Lambda-Runtime-Client-Context")
        if client is not None:
            self.client_context = Fields(("custom", "env", "client"), client)
            names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
            self.client_context.client = Fields(names, client.get("client"))

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def _json_header(headers, name):
    text = headers.get(name)
    return json.loads(text) if text else None


class Api:
    """A connection to the Runtime API."""

    def __init__(self):
        # Without a limit on time: the next invocation may be long in coming.
        self.connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=None)

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, API + path, body, headers or {})
        response = self.connection.getresponse()
        return response, response.read()

    def next(self):
        response, body = self.ask("GET", "/invocation/next")
        if response.status != 200:
            raise RuntimeError(f"no next invocation: {response.status} {body!r}")
        return response.headers, body

    def report(self, path, error):
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error["errorType"]}
        self.ask("POST", path, json.dumps(error).encode(), headers)


class LogHandler(logging.Handler):
    """Records on standard output, each with the id of its invocation."""

    def __init__(self):
        super().__init__()
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        self.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
        self.formatter.converter = time.gmtime

    def emit(self, record):
        record.aws_request_id = getattr(_invocation, "id", "")
        text = self.format(record)
        if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
            at = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
            entry = {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "level": record.levelname,
                     "message": record.getMessage(), "logger": record.name,
                     "requestId": record.aws_request_id}
            if record.exc_info:
                entry["stackTrace"] = traceback.format_tb(record.exc_info[2])
            text = json.dumps(entry)
        sys.stdout.write(text + "\n")


def load(handler):
    """The function that a handler's name means."""
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        wrong = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {wrong}")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
    try:
        return getattr(module, name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'")


def describe(error, request_id=""):
    """An error as AWS words it, without the frames of this file."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames)
    shown = f"[ERROR] {kind}: {message}\nTraceback (most recent call last):\n" + "".join(trace)
    # One record in the log, as with awslambdaric: carriage returns keep its lines together.
    sys.stdout.write(shown.rstrip("\n").replace("\n", "\r") + "\n")
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def plain(value):
    """What JSON has no word for."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def encode(value):
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return json.dumps(value, default=plain).encode(), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}")


def decode(body):
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}")


def serve(function):
    """One invocation after the other, for ever."""
    api = Api()
    while True:
        headers, body = api.next()
        request_id = _invocation.id = headers["Lambda-Runtime-Aws-Request-Id"]
        if trace := headers.get("Lambda-Runtime-Trace-Id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            answer, kind = encode(function(decode(body), Context(headers)))
        except Exception as error:
            api.report(f"/invocation/{request_id}/error", describe(error, request_id))
        else:
            api.ask("POST", f"/invocation/{request_id}/response", answer, {"Content-Type": kind})


class Prompter:
    """A connection's other end, for a rehearsal: it says the same to everything."""

    def sendall(self, data):
        pass

    def makefile(self, mode):
        return io.BytesIO(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")

    def close(self):
        pass


def rehearse():
    """Does once what every function's first steps do, so that they find modules read and code warm."""
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = Prompter()
    connection.request("POST", API, b"{}", {"Content-Type": "application/json"})
    json.loads(connection.getresponse().read())
    # What a first connection looks up, by names that need no look-up.
    socket.getaddrinfo("127.0.0.1", 9001, 0, socket.SOCK_STREAM)


def assigned():
    """Waits for what to run, and becomes its process."""
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    said = json.loads(line)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(said["environment"])
    time.tzset()
    return said


def become(words, directory):
    """Runs a program of the function's own, as `python WORDS` would."""
    os.chdir(directory)
    here = os.path.dirname(os.path.abspath(__file__))
    module = words[0] == "-m"
    sys.argv = words[1:] if module else words
    first = directory if module else os.path.dirname(os.path.abspath(words[0]))
    more = list(filter(None, os.environ.get("PYTHONPATH", "").split(":")))
    sys.path[:] = [first] + more + [path for path in sys.path if path != here]
    importlib.invalidate_caches()
    if module:
        return runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    return runpy.run_path(words[0], run_name="__main__")


def prepare(task, layers):
    """Puts package and layers on the path of imports, as AWS orders them, and starts extensions."""
    os.chdir(task)
    site = f"python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    more = [task, f"{layers}/python/lib/{site}", f"{layers}/python"]
    more += filter(None, os.environ.get("PYTHONPATH", "").split(":"))
    sys.path[:] = more + [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]
    importlib.invalidate_caches()
    extensions = f"{layers}/extensions"
    for name in sorted(os.listdir(extensions)) if os.path.isdir(extensions) else []:
        subprocess.Popen([f"{extensions}/{name}"])


def main():
    if sys.argv[1:] == ["rehearse"]:
        del sys.argv[1:]
        rehearse()
    said = assigned()
    if said.get("run"):
        return become(said["run"], said["directory"])
    handler, layers = said["handler"], said.get("layers", "/opt")
    task = os.environ["LAMBDA_TASK_ROOT"]
    prepare(task, layers)
    client = importlib.util.find_spec("awslambdaric")
    if client and client.origin and client.origin.startswith((f"{task}/", f"{layers}/")):
        sys.argv = ["awslambdaric", handler]
        return runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
    sys.stdout.reconfigure(line_buffering=True)
    logging.getLogger().addHandler(LogHandler())
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    if level in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"):
        logging.getLogger().setLevel(level)
    try:
        function = load(handler)
    except Exception as error:
        Api().report("/init/error", describe(error))
        sys.exit(1)
    for _ in range(int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", 1)) - 1):
        threading.Thread(target=serve, args=(function,), daemon=True).start()
    serve(function)


if __name__ == "__main__":
    main()
