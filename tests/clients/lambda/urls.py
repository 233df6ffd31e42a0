"""Gives functions addresses, calls them, and says who may."""

import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rig import client, packed, read, refused

c = client()
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:shop"
APP = """
import json

def handler(event, context):
    if event.get("rawPath") == "/teapot":
        return {"statusCode": 418, "headers": {"x-own": "y"}, "cookies": ["a=b"], "body": "short"}
    return {"version": VERSION, "event": event}

VERSION = 1
"""
SHOP = {"FunctionName": "shop"}
MISSING = ("ResourceNotFoundException", 404)
INVALID = ("InvalidParameterValueException", 400)
VALIDATION = ("ValidationException", 400)
CONFLICT = ("ResourceConflictException", 409)
OWN = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
OTHER = Credentials(os.environ["OTHER_ID"], os.environ["OTHER_SECRET"])


def fetch(url, path="", method="GET", body=None, key=None, twice=False, spoil=None, **headers):
    """Calls an address, at the listener whatever its name resolves to."""
    url += path
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        request = AWSRequest(method, url, data=body, headers=dict(headers))
        SigV4Auth(key, "lambda", "eu-central-1").add_auth(request)
        headers = dict(request.headers)
    parts = urllib.parse.urlsplit(url)
    headers["Host"] = parts.netloc
    if spoil:
        body = spoil
    target = f"http://127.0.0.1:{parts.port}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    for _ in range(2 if twice else 1):
        request = urllib.request.Request(target, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                said = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            said = error.code, error.read(), error.headers
    return said


c.create_function(
    **SHOP, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/r", Handler="app.handler",
    Code={"ZipFile": packed(APP)}, Publish=True,
)
refused(c.get_function_url_config, *MISSING, "does not exist", **SHOP)

# Open to everybody, once somebody said so.
made = c.create_function_url_config(**SHOP, AuthType="NONE")
url = made["FunctionUrl"]
assert made["FunctionArn"] == ARN and made["InvokeMode"] == "BUFFERED", made
refused(c.create_function_url_config, *CONFLICT, "FunctionUrlConfig exists", **SHOP, AuthType="NONE")
assert fetch(url)[0] == 401
everybody = {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
said = json.loads(c.add_permission(**SHOP, StatementId="all", **everybody)["Statement"])
assert (said["Sid"], said["Effect"], said["Principal"], said["Resource"]) == ("all", "Allow", "*", ARN)
assert said["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, said
refused(c.add_permission, *CONFLICT, "already exists", **SHOP, StatementId="all", **everybody)
status, body, headers = fetch(url, "a/b%20c?x=1&x=2", "POST", b"{\"n\":1}", Content_Type="application/json")
event = json.loads(body)["event"]
assert status == 200 and headers["content-type"] == "application/json", (status, headers)
assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a/b%20c"), event
assert (event["rawQueryString"], event["body"]) == ("x=1&x=2", "{\"n\":1}"), event
assert event["queryStringParameters"] == {"x": "1,2"} and not event["isBase64Encoded"], event
context = event["requestContext"]
assert context["http"]["method"] == "POST" and context["http"]["sourceIp"] == "127.0.0.1", context
assert context["domainName"] == urllib.parse.urlsplit(url).hostname, context
assert context["accountId"] == "anonymous" and context["apiId"] == context["domainPrefix"], context
assert context["domainPrefix"] == context["domainName"].split(".")[0], context
status, body, headers = fetch(url, "teapot")
assert (status, body, headers["x-own"], headers["set-cookie"]) == (418, b"short", "y", "a=b")
assert fetch(url.replace("lambda-url", "x"))[0] in (401, 404)
assert fetch(url, "a/%2e%2e/b")[0] == 400

# Pages of other origins.
cors = {"AllowOrigins": ["https://app.example"], "AllowMethods": ["GET"], "MaxAge": 60}
shown = c.update_function_url_config(**SHOP, Cors=cors)
assert shown["Cors"] == {**cors, "AllowCredentials": False} and shown["FunctionUrl"] == url, shown
status, _, headers = fetch(url, method="OPTIONS", Origin="https://app.example",
                           Access_Control_Request_Method="GET")
assert headers["access-control-allow-origin"] == "https://app.example", (status, headers)
assert "access-control-allow-origin" not in fetch(url, Origin="https://evil.example")[2]
refused(c.update_function_url_config, *INVALID, "Cors.AllowOrigins", **SHOP,
        Cors={"AllowOrigins": ["null"]})
assert "Cors" not in c.update_function_url_config(**SHOP, Cors={})

# For who signs. What everybody may is not for an address that wants signatures.
shown = c.update_function_url_config(**SHOP, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
assert (shown["AuthType"], shown["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM"), shown
assert fetch(url)[0] == 401
c.remove_permission(**SHOP, StatementId="all")
refused(c.get_policy, *MISSING, "does not exist", **SHOP)
refused(c.remove_permission, *MISSING, "No policy", **SHOP, StatementId="all")
status, body, _ = fetch(url, "x?y=z", "POST", b"signed", key=OWN)
event = json.loads(body)["event"]
assert status == 200 and event["rawPath"] == "/x", (status, event)
assert "authorization" not in event["headers"], event
iam = event["requestContext"]["authorizer"]["iam"]
assert iam["userArn"] == "arn:aws:iam::000000000000:user/maker", iam
assert fetch(url, "", "POST", b"signed", key=OWN, spoil=b"spoilt")[0] == 401
assert fetch(url, "", "POST", b"again", key=OWN, twice=True)[0] == 401
assert fetch(url, key=Credentials(OWN.access_key, "wrong"))[0] == 401
assert fetch(url, Authorization="Bearer x")[0] == 401
assert fetch(url, key=OTHER)[0] == 404
named = {"Principal": "arn:aws:iam::000000000000:user/boto", "Action": "lambda:InvokeFunctionUrl"}
c.add_permission(**SHOP, StatementId="boto", **named, FunctionUrlAuthType="AWS_IAM")
assert fetch(url, key=OTHER)[0] == 200
policy = c.get_policy(**SHOP)
statements = json.loads(policy["Policy"])["Statement"]
assert [it["Principal"] for it in statements] == [{"AWS": named["Principal"]}], statements
refused(c.remove_permission, "PreconditionFailedException", 412, None, **SHOP, StatementId="boto",
        RevisionId="x")
c.remove_permission(**SHOP, StatementId="boto", RevisionId=policy["RevisionId"])
assert fetch(url, key=OTHER)[0] == 404
may = client(aws_access_key_id=OTHER.access_key, aws_secret_access_key=OTHER.secret_key)
refused(may.invoke, *MISSING, None, **SHOP)
c.add_permission(**SHOP, StatementId="call", **{**named, "Action": "lambda:InvokeFunction"})
assert read(may.invoke(**SHOP, Payload=b"{}"))["version"] == 1
for principal in ["events.amazonaws.com", "123456789012", "arn:aws:iam::123456789012:user/boto"]:
    refused(c.add_permission, *INVALID, "no principal", **SHOP, StatementId="x",
            Action="lambda:InvokeFunction", Principal=principal)
refused(c.add_permission, *INVALID, "everybody", **SHOP, StatementId="x",
        Action="lambda:InvokeFunction", Principal="*")
refused(c.add_permission, *INVALID, "no permission for lambda:GetFunction", **SHOP, StatementId="x",
        Action="lambda:GetFunction", Principal=named["Principal"])
refused(c.add_permission, *INVALID, None, **SHOP, StatementId="x", Action="lambda:InvokeFunction",
        Principal="arn:aws:iam::000000000000:user/nobody")
assert len(json.loads(c.get_policy(**SHOP)["Policy"])["Statement"]) == 1

# Of an alias.
c.update_function_code(**SHOP, ZipFile=packed(APP.replace("VERSION = 1", "VERSION = 2")))
c.create_alias(**SHOP, Name="live", FunctionVersion="1")
live = c.create_function_url_config(**SHOP, Qualifier="live", AuthType="AWS_IAM")
assert live["FunctionArn"] == f"{ARN}:live" and live["FunctionUrl"] != url, live
assert json.loads(fetch(live["FunctionUrl"], key=OWN)[1])["version"] == 1
assert json.loads(fetch(url, key=OWN)[1])["version"] == 2
refused(c.create_function_url_config, *VALIDATION, "at 'qualifier'", **SHOP, Qualifier="$LATEST",
        AuthType="NONE")
listed = c.list_function_url_configs(**SHOP)["FunctionUrlConfigs"]
assert [it["FunctionArn"] for it in listed] == [ARN, f"{ARN}:live"], listed

# Functions of manifests say there where they answer.
refused(c.create_function_url_config, *CONFLICT, "application app", FunctionName="f", AuthType="NONE")
refused(c.add_permission, *CONFLICT, "application app", FunctionName="f", StatementId="x", **everybody)

# Gone.
c.delete_function_url_config(**SHOP)
assert fetch(url, key=OWN)[0] in (401, 404)
refused(c.delete_function_url_config, *MISSING, "does not exist", **SHOP)
c.delete_function(**SHOP)
assert fetch(live["FunctionUrl"], key=OWN)[0] in (401, 404)
refused(may.create_function_url_config, "AccessDeniedException", 403, None, **SHOP, AuthType="NONE")
refused(may.add_permission, "AccessDeniedException", 403, None, **SHOP, StatementId="x", **everybody)
print("done")
