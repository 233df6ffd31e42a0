"""Calls the function `f` in all the ways that boto3 knows."""

import base64
import json

from rig import OWN, client, read, refused

c = client()
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:f"

# Now, under each of its names.
for name in ["f", "f:$LATEST", "function:f", "000000000000:function:f", ARN, f"{ARN}:$LATEST"]:
    answer = c.invoke(FunctionName=name, Payload=json.dumps({"a": [1, "\u00e9"]}))
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer
    assert answer["ExecutedVersion"] == "$LATEST", answer
    said = read(answer)
    assert said["event"] == {"a": [1, "\u00e9"]}, said
    assert said["id"] == answer["ResponseMetadata"]["RequestId"], (said, answer)
assert c.invoke(FunctionName="f", Qualifier="$LATEST")["StatusCode"] == 200
assert read(c.invoke(FunctionName="f"))["event"] == {}
assert read(c.invoke(FunctionName="f", Payload=b"[1]"))["event"] == [1]
assert read(c.invoke(FunctionName="f", Payload=b'{"do":"none"}')) is None

# With a context, and with the end of its log.
context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
answer = c.invoke(FunctionName="f", ClientContext=context)
assert read(answer)["client"] == {"k": "v"}, answer
answer = c.invoke(FunctionName="f", LogType="Tail", Payload=b'{"do":"log","lines":3}')
log = base64.b64decode(answer["LogResult"]).decode()
identity = answer["ResponseMetadata"]["RequestId"]
assert f"START RequestId: {identity} Version: $LATEST\n" in log, log
assert "line 2 ..." in log and f"END RequestId: {identity}\n" in log, log
assert f"REPORT RequestId: {identity}\tDuration: " in log, log
answer = c.invoke(FunctionName="f", LogType="Tail", Payload=b'{"do":"log","lines":200}')
log = base64.b64decode(answer["LogResult"])
assert len(log) == 4096 and b"line 199 " in log and b"line 9 " not in log, log
assert "LogResult" not in c.invoke(FunctionName="f", LogType="None")

# Its errors are no errors of the call.
def failed(event, kind, message, **more):
    answer = c.invoke(FunctionName="f", Payload=json.dumps(event), **more)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled"), answer
    identity = answer["ResponseMetadata"]["RequestId"]
    said = read(answer)
    assert said["errorType"] == kind, said
    assert said["errorMessage"] == message.replace("ID", identity), said
    return said

assert failed({"do": "fail"}, "Refused", "no such order")["stackTrace"]
failed(
    {"do": "exit"},
    "Runtime.ExitError",
    "RequestId: ID Error: Runtime exited with error: exit status 7",
)
failed(
    {"do": "sleep", "seconds": 30},
    "Sandbox.Timedout",
    "RequestId: ID Error: Task timed out after 3.00 seconds",
)
failed(
    {"do": "large", "bytes": 7_000_000},
    "Function.ResponseSizeTooLarge",
    "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
)
assert len(read(c.invoke(FunctionName="f", Payload=b'{"do":"large","bytes":6000000}'))) == 6_000_000

# Later, and not at all.
answer = c.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"do":"log","lines":1}')
assert answer["StatusCode"] == 202 and answer["Payload"].read() == b"", answer
print("later", answer["ResponseMetadata"]["RequestId"])
answer = c.invoke_async(FunctionName="f", InvokeArgs=b"{}")
assert answer["Status"] == 202, answer
answer = c.invoke(FunctionName="f", InvocationType="DryRun")
assert answer["StatusCode"] == 204 and answer["ExecutedVersion"] == "$LATEST", answer

# As it comes.
def stream(event, **more):
    answer = c.invoke_with_response_stream(FunctionName="f", Payload=json.dumps(event), **more)
    chunks, end = b"", None
    for event in answer["EventStream"]:
        assert end is None, event
        chunks += event.get("PayloadChunk", {}).get("Payload", b"")
        end = event.get("InvokeComplete")
    assert end is not None
    return chunks, end

chunks, end = stream({"b": 2})
assert json.loads(chunks)["event"] == {"b": 2} and end == {}, (chunks, end)
chunks, end = stream({"do": "large", "bytes": 3_000_000}, LogType="Tail")
assert len(chunks) == 3_000_002 and b"END RequestId" in base64.b64decode(end["LogResult"]), end
chunks, end = stream({"do": "fail"})
assert chunks == b"" and end["ErrorCode"] == "Refused", (chunks, end)
assert json.loads(end["ErrorDetails"])["errorMessage"] == "no such order", end
chunks, end = stream({"do": "exit"})
assert end["ErrorCode"] == "Runtime.ExitError", end

# What is not called.
missing = "arn:aws:lambda:eu-central-1:000000000000:function:"
for name in ["missing", "Missing_One", "f:7", "f:live", "closed"]:
    answer = refused(
        c.invoke, "ResourceNotFoundException", 404, f"Function not found: {missing}{name}",
        FunctionName=name,
    )
    assert answer["Type"] == "User", answer
# A proxy's name for it, and one that is none.
other = "arn:aws:lambda:us-east-1:000000000000:function:f"
refused(c.invoke, "ResourceNotFoundException", 404,
        "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')",
        FunctionName=other)
refused(c.invoke, "ValidationException", 400, "1 validation error detected: Value 'f g'",
        FunctionName="f g")
refused(c.invoke, "InvalidParameterValueException", 400,
        "The derived qualifier from the function name does not match the specified qualifier.",
        FunctionName="f:1", Qualifier="2")
refused(c.invoke, "InvalidRequestContentException", 400, "Could not parse request body into json",
        FunctionName="f", Payload=b"{")
refused(c.invoke, "InvalidRequestContentException", 400, "Client context must be",
        FunctionName="f", ClientContext="e30")
refused(c.invoke, "RequestTooLargeException", 413, "Request must be smaller than 6291456 bytes",
        FunctionName="f", Payload=b'"' + b"x" * 7_000_000 + b'"')
refused(c.invoke, "RequestTooLargeException", 413, "Request must be smaller than 1048576 bytes",
        FunctionName="f", InvocationType="Event", Payload=b'"' + b"x" * 2_000_000 + b'"')
refused(c.get_layer_version, "UnknownOperationException", 404, "docs/reference/aws-lambda.md",
        LayerName="l", VersionNumber=1)

# Who is not known.
for key, secret, code in [
    ("AKIDEXAMPLE", "x", "UnrecognizedClientException"),
    ("cmk_000000000000", "x", "UnrecognizedClientException"),
    (None, "wrong", "InvalidSignatureException"),
]:
    credentials = {"aws_secret_access_key": secret}
    credentials["aws_access_key_id"] = key or OWN["aws_access_key_id"]
    refused(client(**credentials).invoke, code, 403, FunctionName="f")
with_token = client(aws_session_token="x", **OWN)
refused(with_token.invoke, "UnrecognizedClientException", 403, FunctionName="f")
print("done")
