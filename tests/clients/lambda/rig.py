"""What the scripts of this directory share: clients of the node under test."""

import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["URL"]
OWN = {name: os.environ[name.upper()] for name in ["aws_access_key_id", "aws_secret_access_key"]}


def client(**more):
    """A client that tries nothing twice, unless told otherwise."""
    config = Config(retries={"total_max_attempts": more.pop("attempts", 1)}, read_timeout=60)
    given = {"region_name": "eu-central-1", "endpoint_url": URL, "config": config}
    return boto3.client("lambda", **{**given, **more})


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
