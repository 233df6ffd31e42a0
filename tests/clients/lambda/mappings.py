"""Has functions called with the messages of queues, as deployment scripts do."""

import json
import os

from rig import client, packed, refused

c = client()
SHOP = {"FunctionName": "shop"}
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:shop"
QUEUE = "arn:aws:sqs:eu-central-1:000000000000:orders"
INVALID = ("InvalidParameterValueException", 400)
VALIDATION = ("ValidationException", 400)
CONFLICT = ("ResourceConflictException", 409)
MISSING = ("ResourceNotFoundException", 404)

# Reports what it cannot do, as AWS documents it.
APP = """
import json

def handler(event, context):
    print("SAW " + json.dumps(event), flush=True)
    bad = [it["messageId"] for it in event["Records"] if json.loads(it["body"])["data"]["n"] == 2]
    return {"batchItemFailures": [{"itemIdentifier": it} for it in bad]}
"""

c.create_function(
    **SHOP, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/r", Handler="app.handler",
    Code={"ZipFile": packed(APP)},
)
before = c.get_function_configuration(**SHOP)
assert c.list_event_source_mappings(**SHOP)["EventSourceMappings"] == []

# Made.
filters = {"Filters": [{"Pattern": json.dumps({"body": {"type": ["paid", {"prefix": "sent."}]}})}]}
made = c.create_event_source_mapping(
    **SHOP, EventSourceArn=QUEUE, BatchSize=5, MaximumBatchingWindowInSeconds=3,
    FunctionResponseTypes=["ReportBatchItemFailures"], FilterCriteria=filters,
)
uuid = made["UUID"]
assert (made["EventSourceArn"], made["FunctionArn"]) == (QUEUE, ARN), made
assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"]) == (5, 3), made
assert (made["State"], made["FunctionResponseTypes"]) == ("Enabled", ["ReportBatchItemFailures"]), made
assert made["FilterCriteria"] == filters, made
assert made["EventSourceMappingArn"].endswith(f":event-source-mapping:{uuid}"), made


def shown(said):
    return {name: value for name, value in said.items() if name != "ResponseMetadata"}


assert shown(c.get_event_source_mapping(UUID=uuid)) == shown(made)
# It is no environment of the function's, and stays when that is changed.
c.update_function_configuration(**SHOP, Description="d")
assert c.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5
assert "Environment" not in before

# Two of one queue are one too many; another queue is another one.
answer = refused(c.create_event_source_mapping, *CONFLICT, uuid, **SHOP, EventSourceArn=QUEUE)
assert "already exists" in answer["Error"]["Message"], answer
other = c.create_event_source_mapping(**SHOP, EventSourceArn=QUEUE + "-2", Enabled=False)
assert (other["State"], other["BatchSize"]) == ("Disabled", 10), other
listed = c.list_event_source_mappings(**SHOP)["EventSourceMappings"]
assert {it["UUID"] for it in listed} == {uuid, other["UUID"]}, listed
listed = c.list_event_source_mappings(EventSourceArn=QUEUE)["EventSourceMappings"]
assert [it["UUID"] for it in listed] == [uuid], listed
pages = list(c.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 1}))
# One of a function that was deployed in another way is among them.
assert len(pages) == 3 and all(len(it["EventSourceMappings"]) == 1 for it in pages), pages
assert c.list_event_source_mappings(FunctionName="other")["EventSourceMappings"] == []

# Changed.
said = c.update_event_source_mapping(UUID=other["UUID"], BatchSize=100, Enabled=True)
assert (said["State"], said["BatchSize"]) == ("Enabled", 100), said
said = c.update_event_source_mapping(UUID=uuid, **SHOP, MaximumBatchingWindowInSeconds=1)
assert (said["BatchSize"], said["MaximumBatchingWindowInSeconds"]) == (5, 1), said

# What is not there is refused by its name, and changes nothing.
make, change = c.create_event_source_mapping, c.update_event_source_mapping
region = "arn:aws:sqs:us-west-2:000000000000:orders"
account = "arn:aws:sqs:eu-central-1:123456789012:orders"
for arn, why in [
    ("arn:aws:kinesis:eu-central-1:000000000000:stream/s", "no event sources of kinesis"),
    ("arn:aws:dynamodb:eu-central-1:000000000000:table/t/stream/1", "no event sources of dynamodb"),
    (region, "cannot be reached"), (account, "cannot be reached"),
    (QUEUE + ".fifo", "no queues of such names"),
]:
    refused(make, *INVALID, why, **SHOP, EventSourceArn=arn)
refused(make, *VALIDATION, "eventSourceArn", **SHOP, EventSourceArn="queue")
kafka = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b:9092"]}}
refused(make, *INVALID, "SelfManagedEventSource", **SHOP, SelfManagedEventSource=kafka)
refused(make, *INVALID, "Unrecognized event source", **SHOP)
refused(make, *MISSING, None, FunctionName="nothing", EventSourceArn=QUEUE)
refused(make, *CONFLICT, "casemate deploy", FunctionName="f", EventSourceArn=QUEUE)
# Triggers have names of their own in an environment.
refused(make, *INVALID, "mapped", **SHOP, EventSourceArn=QUEUE.replace("orders", "mapped"))
for what, why in [
    ({"BatchSize": 101}, "at most 100"),
    ({"ScalingConfig": {"MaximumConcurrency": 2}}, "ScalingConfig.MaximumConcurrency"),
    ({"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}, "DestinationConfig"),
    ({"MaximumRetryAttempts": 1}, "MaximumRetryAttempts"),
    ({"FilterCriteria": {"Filters": [{"Pattern": '{"body":{"data":{"n":[1]}}}'}]}}, "filter pattern"),
    ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "filter pattern"),
]:
    refused(make, *INVALID, why, **SHOP, EventSourceArn=QUEUE + "-3", **what)
    refused(change, *INVALID, why, UUID=uuid, **what)
refused(change, *INVALID, "stay with their function", UUID=uuid, FunctionName="f")
missing = "00000000-0000-4000-8000-000000000000"
for call in [c.get_event_source_mapping, c.delete_event_source_mapping, change]:
    refused(call, *MISSING, "does not exist", UUID=missing)
assert c.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5
of_f = c.list_event_source_mappings(FunctionName="mapped")["EventSourceMappings"][0]
assert (of_f["BatchSize"], of_f["State"]) == (7, "Enabled"), of_f
refused(change, *CONFLICT, "casemate deploy", UUID=of_f["UUID"], BatchSize=1)

# Who may not make functions may not say what calls them.
less = client(aws_access_key_id=os.environ["OTHER_ID"], aws_secret_access_key=os.environ["OTHER_SECRET"])
denied = ("AccessDeniedException", 403)
refused(less.create_event_source_mapping, *denied, None, **SHOP, EventSourceArn=QUEUE)
refused(less.list_event_source_mappings, *denied)
refused(less.delete_event_source_mapping, *denied, None, UUID=uuid)

# Removed.
assert c.delete_event_source_mapping(UUID=other["UUID"])["State"] == "Deleting"
refused(c.get_event_source_mapping, *MISSING, None, UUID=other["UUID"])
print("done")
