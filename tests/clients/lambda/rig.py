"""What the scripts of this directory share: clients of the node under test."""

import io
import json
import os
import re
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["URL"]
OWN = {name: os.environ[name.upper()] for name in ["aws_access_key_id", "aws_secret_access_key"]}


def client(**more):
    """A client that tries nothing twice, unless told otherwise."""
    config = Config(retries={"total_max_attempts": more.pop("attempts", 1)}, read_timeout=60)
    given = {"region_name": "eu-central-1", "endpoint_url": URL, "config": config}
    made = boto3.client("lambda", **{**given, **more})
    made.meta.events.register("after-call.lambda.*", conforms)
    return made


def conforms(http_response, model, **_):
    """Holds every answer against the shape that AWS's own model gives it."""
    shape = model.output_shape
    if http_response.status_code >= 300:
        body = json.loads(http_response.content)
        assert http_response.headers["x-amzn-errortype"], http_response.headers
        assert body.get("message") or body.get("Message"), body
    elif shape is None or http_response.status_code == 204:
        assert http_response.content == b"", http_response.content
    elif all("location" in it.serialization for it in shape.members.values()):
        assert http_response.content in (b"", b"{}"), http_response.content
    elif "payload" not in shape.serialization and not model.has_event_stream_output:
        assert http_response.status_code == model.http["responseCode"], model.name
        fits(json.loads(http_response.content), shape, model.name)


def fits(value, shape, at):
    """Whether a value has a shape: its members are known, and none is missing that must be there."""
    kind = shape.type_name
    if kind == "structure":
        inner = [name for name, it in shape.members.items() if "location" not in it.serialization]
        assert isinstance(value, dict) and set(value) <= set(inner), (at, set(value) - set(inner))
        assert set(shape.required_members) <= set(value), (at, value)
        for name, member in value.items():
            fits(member, shape.members[name], f"{at}.{name}")
    elif kind == "list":
        for number, member in enumerate(value):
            fits(member, shape.member, f"{at}[{number}]")
    elif kind == "map":
        for name, member in value.items():
            fits(member, shape.value, f"{at}.{name}")
    elif kind == "string":
        assert isinstance(value, str), (at, value)
        pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
        assert not enum or value in enum, (at, value)
        assert len(value) <= shape.metadata.get("max", 10**9), (at, value)
        if pattern and "\\p{" not in pattern and value:
            assert re.fullmatch(pattern, value), (at, value, pattern)
    else:
        types = {"integer": int, "long": int, "boolean": bool, "double": (int, float),
                 "float": (int, float), "timestamp": (int, float, str)}
        assert isinstance(value, types[kind]), (at, value)


def refused(call, code, status, message=None, **arguments):
    """Calls something that must be refused, and gives the whole answer."""
    try:
        call(**arguments)
    except ClientError as error:
        answer = error.response
        said = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
        assert said == (code, status), answer
        if message is not None:
            assert message in answer["Error"]["Message"], answer
        return answer
    raise AssertionError(f"{call} was not refused")


def read(answer):
    """The answer of a function, in JSON."""
    return json.loads(answer["Payload"].read())


def packed(text, name="app.py"):
    """A zip with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        # At a fixed time, so that equal files are equal bytes.
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()
