"""Publishes versions and moves aliases over them, as release tools do."""

import collections
import io
import os
import pathlib
import urllib.error
import urllib.request
import zipfile

from rig import client, packed, read, refused

c = client()
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:shop"
APP = pathlib.Path(os.environ["APP"]).read_text()
SHOP = {"FunctionName": "shop"}
MISSING = ("ResourceNotFoundException", 404)
INVALID = ("InvalidParameterValueException", 400)
VALIDATION = ("ValidationException", 400)


def code(number):
    return packed(APP.replace("VERSION = 1", f"VERSION = {number}"))


def said(**more):
    """What answers, by the code's own word and by the answer's."""
    answer = c.invoke(**{**SHOP, **more})
    return read(answer)["version"], answer["ExecutedVersion"]


made = c.create_function(
    **SHOP, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/r", Handler="app.handler",
    Code={"ZipFile": code(1)}, Publish=True, Description="first",
)
assert (made["Version"], made["FunctionArn"], made["Description"]) == ("1", f"{ARN}:1", "first"), made

# A version stays as it was.
changed = c.update_function_code(**SHOP, ZipFile=code(2))
assert changed["Version"] == "$LATEST", changed
assert said() == (2, "$LATEST")
for more in [{"Qualifier": "1"}, {"FunctionName": f"{ARN}:1"}, {"FunctionName": "shop:1"}]:
    assert said(**more) == (1, "1"), more
assert said(Qualifier="$LATEST") == (2, "$LATEST")
refused(c.invoke, *MISSING, f"Function not found: {ARN}:2", **SHOP, Qualifier="2")
refused(c.invoke, *MISSING, None, **SHOP, Qualifier="01")

# Published where something changed, from the state that was seen.
for wrong in [{"CodeSha256": "x"}]:
    refused(c.publish_version, *INVALID, "is different from current CodeSHA256", **SHOP, **wrong)
refused(c.publish_version, "PreconditionFailedException", 412, None, **SHOP, RevisionId="x")
two = c.publish_version(
    **SHOP, CodeSha256=changed["CodeSha256"], RevisionId=changed["RevisionId"], Description="second",
)
assert (two["Version"], two["FunctionArn"], two["Description"]) == ("2", f"{ARN}:2", "second"), two
assert two["CodeSha256"] == changed["CodeSha256"] and two["RevisionId"] != changed["RevisionId"], two
again = c.publish_version(**SHOP, Description="third")
assert (again["Version"], again["Description"]) == ("2", "second"), again
same = c.update_function_code(**SHOP, ZipFile=code(2), Publish=True)
assert same["Version"] == "2", same
three = c.update_function_code(**SHOP, ZipFile=code(3), Publish=True)
assert (three["Version"], three["FunctionArn"]) == ("3", f"{ARN}:3"), three
shown = c.get_function_configuration(**SHOP, Qualifier="1")
assert (shown["Version"], shown["Description"]) == ("1", "first"), shown
assert c.get_function(FunctionName="shop:2")["Configuration"]["FunctionArn"] == f"{ARN}:2"
for waiter in ["published_version_active", "function_active_v2"]:
    c.get_waiter(waiter).wait(**SHOP, Qualifier="3", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
pages = c.get_paginator("list_versions_by_function").paginate(**SHOP, PaginationConfig={"PageSize": 3})
pages = [[it["Version"] for it in page["Versions"]] for page in pages]
assert pages == [["$LATEST", "1", "2"], ["3"]], pages
refused(c.list_versions_by_function, *INVALID, "Invalid marker", **SHOP, Marker="9")
refused(c.publish_version, *MISSING, FunctionName="nobody")
refused(c.update_function_code, *INVALID, "cannot be changed", FunctionName="shop:1", ZipFile=code(4))

# The code of each, for who has its address; which ends with its key, its time, or a changed letter.
for qualifier, version in [("$LATEST", 3), ("1", 1)]:
    location = c.get_function(**SHOP, Qualifier=qualifier)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.testzip() is None and archive.namelist() == ["app.py"], archive.namelist()
    assert f"VERSION = {version}".encode() in archive.read("app.py"), qualifier
for changed in [location.replace("functions/shop/", "functions/f/"), location.replace("=1&", "=2&", 1),
                location.replace("X-Amz-Expires=600", "X-Amz-Expires=3000")]:
    assert changed != location, location
    try:
        urllib.request.urlopen(changed)
    except urllib.error.HTTPError as error:
        assert error.code == 403, error
    else:
        raise AssertionError(f"{changed} was taken")

# Aliases.
live = c.create_alias(**SHOP, Name="live", FunctionVersion="1", Description="d")
assert (live["AliasArn"], live["FunctionVersion"]) == (f"{ARN}:live", "1"), live
assert said(Qualifier="live") == (1, "1")
answer = read(c.invoke(FunctionName=f"{ARN}:live"))
assert (answer["version"], answer["function_version"]) == (1, "1"), answer
refused(c.create_alias, "ResourceConflictException", 409, "Alias already exists", **SHOP, Name="live",
        FunctionVersion="1")
refused(c.create_alias, *MISSING, f"Function not found: {ARN}:9", **SHOP, Name="x", FunctionVersion="9")
for name in ["7", "a b", "$LATEST"]:
    refused(c.create_alias, *VALIDATION, "at 'name'", **SHOP, Name=name, FunctionVersion="1")
refused(c.update_alias, "PreconditionFailedException", 412, None, **SHOP, Name="live", RevisionId="x")
moved = c.update_alias(**SHOP, Name="live", FunctionVersion="2", RevisionId=live["RevisionId"])
assert moved["RevisionId"] != live["RevisionId"] and moved["Description"] == "d", moved
assert said(Qualifier="live") == (2, "2")
latest = c.create_alias(**SHOP, Name="edge", FunctionVersion="$LATEST")
assert latest["FunctionVersion"] == "$LATEST" and said(Qualifier="edge") == (3, "$LATEST"), latest
assert [it["Name"] for it in c.list_aliases(**SHOP)["Aliases"]] == ["edge", "live"]
assert [it["Name"] for it in c.list_aliases(**SHOP, FunctionVersion="2")["Aliases"]] == ["live"]
pages = c.get_paginator("list_aliases").paginate(**SHOP, PaginationConfig={"PageSize": 1})
assert [[it["Name"] for it in page["Aliases"]] for page in pages] == [["edge"], ["live"]]
for call in [c.get_alias, c.update_alias]:
    refused(call, *MISSING, f"Cannot find alias arn: {ARN}:gone", **SHOP, Name="gone")

# Calls that are divided.
half = {"AdditionalVersionWeights": {"3": 0.5}}
divided = c.update_alias(**SHOP, Name="live", RoutingConfig=half)
assert divided["RoutingConfig"] == half, divided
counted = collections.Counter(said(Qualifier="live") for _ in range(60))
assert set(counted) == {(2, "2"), (3, "3")} and min(counted.values()) > 5, counted
for version, message in [
    ({"2": 0.5}, "already included"), ({"1": 0.1, "3": 0.1}, "greater than 1"),
]:
    wrong = {"AdditionalVersionWeights": version}
    refused(c.update_alias, *INVALID, message, **SHOP, Name="live", RoutingConfig=wrong)
refused(c.update_alias, *VALIDATION, None, **SHOP, Name="live",
        RoutingConfig={"AdditionalVersionWeights": {"3": 1.5}})
refused(c.update_alias, *INVALID, "more than 1 version", **SHOP, Name="edge", RoutingConfig=half)
whole = c.update_alias(**SHOP, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
assert "RoutingConfig" not in whole and {said(Qualifier="live") for _ in range(5)} == {(2, "2")}

# Later, and as it comes.
later = c.invoke(**SHOP, Qualifier="1", InvocationType="Event", Payload=b'{"do":"log","lines":1}')
assert later["StatusCode"] == 202, later
stream = c.invoke_with_response_stream(FunctionName="shop:1")
assert stream["ExecutedVersion"] == "1", stream
text = b"".join(it["PayloadChunk"]["Payload"] for it in stream["EventStream"] if "PayloadChunk" in it)
assert b'"version": 1' in text, text

# Removed: not what somebody points to.
refused(c.delete_function, "ResourceConflictException", 409, "[live]", **SHOP, Qualifier="2")
refused(c.delete_function, *INVALID, "$LATEST version cannot be deleted", **SHOP, Qualifier="$LATEST")
c.delete_function(**SHOP, Qualifier="1")
refused(c.invoke, *MISSING, None, **SHOP, Qualifier="1")
c.delete_alias(**SHOP, Name="edge")
c.delete_alias(**SHOP, Name="edge")
refused(c.invoke, *MISSING, None, **SHOP, Qualifier="edge")
four = c.update_function_code(**SHOP, ZipFile=code(4), Publish=True)
assert four["Version"] == "4", four

# Also of a function that was deployed in another way.
other = c.publish_version(FunctionName="f")
assert other["Version"] == "1" and "CodeSha256" in other, other
c.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
refused(c.delete_function, "ResourceConflictException", 409, None, FunctionName="f")
print("done")
