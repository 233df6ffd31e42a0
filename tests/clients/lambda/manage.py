"""Makes, changes, lists and removes functions, as deployment scripts do."""

import base64
import hashlib
import json
import os
import pathlib

from rig import client, packed, read, refused

c = client()
ROLE = "arn:aws:iam::000000000000:role/lambda"
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:orders"
APP = pathlib.Path(os.environ["APP"]).read_text()


def sha(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


zipped = packed(APP)
given = {
    "FunctionName": "orders", "Runtime": "python3.11", "Role": ROLE, "Handler": "app.handler",
    "Code": {"ZipFile": zipped},
}

# Made, and waited for.
made = c.create_function(
    **given, Description="d", Environment={"Variables": {"GREETING": "hello"}},
    Tags={"team": "a b"}, MemorySize=256, Timeout=5,
)
assert made["ResponseMetadata"]["HTTPStatusCode"] == 201, made
assert (made["FunctionName"], made["FunctionArn"], made["Role"]) == ("orders", ARN, ROLE), made
assert (made["CodeSize"], made["CodeSha256"]) == (len(zipped), sha(zipped)), made
assert (made["Timeout"], made["MemorySize"], made["Version"]) == (5, 256, "$LATEST"), made
assert (made["Runtime"], made["Handler"]) == ("python3.11", "app.handler"), made
assert made["Environment"] == {"Variables": {"GREETING": "hello"}}, made
assert made["PackageType"] == "Zip" and made["LastModified"].endswith("+0000"), made
for waiter in ["function_exists", "function_active_v2", "function_updated_v2", "function_active"]:
    c.get_waiter(waiter).wait(FunctionName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
refused(c.create_function, "ResourceConflictException", 409, "Function already exist: orders", **given)

# Called by whoever made it.
answer = c.invoke(FunctionName="orders", Payload=b'{"n":1}')
said = read(answer)
assert (said["greeting"], said["version"], said["event"]) == ("hello", 1, {"n": 1}), said
assert c.invoke(FunctionName="orders", InvocationType="Event")["StatusCode"] == 202

# Shown.
got = c.get_function(FunctionName=ARN)
assert got["Configuration"]["State"] == "Active" and got["Tags"] == {"team": "a b"}, got
assert c.list_tags(Resource=ARN)["Tags"] == {"team": "a b"}
shown = c.get_function_configuration(FunctionName="orders", Qualifier="$LATEST")
assert shown["RevisionId"] == made["RevisionId"], (shown, made)

# Other code.
other = packed(APP.replace("VERSION = 1", "VERSION = 2"))
refused(c.update_function_code, "PreconditionFailedException", 412, "The Revision Id provided",
        FunctionName="orders", ZipFile=other, RevisionId="x")
dry = c.update_function_code(FunctionName="orders", ZipFile=other, DryRun=True)
assert dry["CodeSha256"] == sha(other), dry
assert read(c.invoke(FunctionName="orders"))["version"] == 1
changed = c.update_function_code(FunctionName="orders", ZipFile=other, RevisionId=made["RevisionId"])
assert changed["CodeSha256"] == sha(other) and changed["RevisionId"] != made["RevisionId"], changed
assert changed["LastUpdateStatus"] == "Successful", changed
c.get_waiter("function_updated_v2").wait(FunctionName="orders")
assert read(c.invoke(FunctionName="orders"))["version"] == 2

# Another configuration, which leaves the rest as it is.
changed = c.update_function_configuration(
    FunctionName="orders", Environment={"Variables": {"GREETING": "bye"}}, Description="e",
)
assert (changed["Timeout"], changed["MemorySize"], changed["Description"]) == (5, 256, "e"), changed
assert changed["CodeSha256"] == sha(other), changed
assert read(c.invoke(FunctionName="orders"))["greeting"] == "bye"
changed = c.update_function_configuration(FunctionName="orders", Timeout=1)
answer = c.invoke(FunctionName="orders", Payload=json.dumps({"do": "sleep", "seconds": 30}))
assert read(answer)["errorType"] == "Sandbox.Timedout", answer

# All of them, one after the other.
for name in ["a-one", "b-two"]:
    c.create_function(**{**given, "FunctionName": name})
names = [it["FunctionName"] for it in c.list_functions()["Functions"]]
assert names == ["a-one", "b-two", "closed", "f", "orders"], names
pages = c.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
pages = [[it["FunctionName"] for it in page["Functions"]] for page in pages]
assert pages == [["a-one", "b-two"], ["closed", "f"], ["orders"]], pages
assert c.get_account_settings()["AccountUsage"]["FunctionCount"] == 5

# What is refused, by what it is.
def bad(code, status, message, **changes):
    name = {"FunctionName": "bad"}
    refused(c.create_function, code, status, message, **{**given, **name, **changes})

invalid = ("InvalidParameterValueException", 400)
bad(*invalid, "Could not unzip uploaded file", Code={"ZipFile": b"no zip"})
bad(*invalid, "Could not unzip uploaded file", Code={"ZipFile": packed(APP, "../app.py")})
bad(*invalid, "does not fetch code in S3", Code={"S3Bucket": "bucket", "S3Key": "k"})
bad(*invalid, "does not fetch images", Code={"ImageUri": "i"})
bad(*invalid, "no functions of such names", FunctionName="Bad_Name")
bad(*invalid, "This node has no Layers", Layers=["arn:aws:lambda:eu-central-1:000000000000:layer:l:1"])
bad(*invalid, "This node has no KMSKeyArn", KMSKeyArn="arn:aws:kms:eu-central-1:000000000000:key/k")
bad(*invalid, "memory", MemorySize=10240)
validation = ("ValidationException", 400)
bad(*validation, "at 'role' failed to satisfy constraint", Role="arn:aws:iam::1:role/r")
bad(*validation, "at 'runtime' failed to satisfy constraint", Runtime="java21")
bad(*validation, "at 'timeout' failed to satisfy constraint", Timeout=901)
refused(c.get_function, "ResourceNotFoundException", 404, "Function not found: ", FunctionName="bad")
for call, more in [
    (c.delete_function, {}),
    (c.update_function_code, {"ZipFile": zipped}),
    (c.update_function_configuration, {"Timeout": 3}),
]:
    refused(call, "ResourceConflictException", 409, "application app", FunctionName="f", **more)
    refused(call, "ResourceNotFoundException", 404, None, FunctionName="bad", **more)
refused(c.list_layers, "UnknownOperationException", 404)

# Gone, and another of that name.
assert c.delete_function(FunctionName="orders")["ResponseMetadata"]["HTTPStatusCode"] == 204
refused(c.invoke, "ResourceNotFoundException", 404, "Function not found: ", FunctionName="orders")
refused(c.delete_function, "ResourceNotFoundException", 404, FunctionName="orders")
c.create_function(**given)
assert read(c.invoke(FunctionName="orders"))["greeting"] is None

# Who may only call.
may = client(aws_access_key_id=os.environ["OTHER_ID"], aws_secret_access_key=os.environ["OTHER_SECRET"])
refused(may.list_functions, "AccessDeniedException", 403, "lambda:ListFunctions")
refused(may.create_function, "AccessDeniedException", 403, "lambda:CreateFunction", **given)
refused(may.delete_function, "AccessDeniedException", 403, FunctionName="orders")
refused(may.invoke, "ResourceNotFoundException", 404, FunctionName="orders")
print("done")
