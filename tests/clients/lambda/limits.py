"""Tags functions and says how many invocations they may have at a time."""

import json
import os
import pathlib
import threading
import time

from rig import client, packed, read, refused

c = client()
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:shop"
APP = pathlib.Path(os.environ["APP"]).read_text()
SHOP = {"FunctionName": "shop"}
INVALID = ("InvalidParameterValueException", 400)
VALIDATION = ("ValidationException", 400)

made = c.create_function(
    **SHOP, Runtime="python3.11", Role="arn:aws:iam::000000000000:role/r", Handler="app.handler",
    Code={"ZipFile": packed(APP)}, Tags={"team": "a"}, Timeout=30,
)

# Tags.
c.tag_resource(Resource=ARN, Tags={"team": "b", "stage/1": "x y"})
assert c.list_tags(Resource=ARN)["Tags"] == {"team": "b", "stage/1": "x y"}
assert c.get_function(**SHOP)["Tags"] == {"team": "b", "stage/1": "x y"}
assert c.get_function_configuration(**SHOP)["RevisionId"] == made["RevisionId"]
c.untag_resource(Resource=ARN, TagKeys=["stage/1", "nothing"])
assert c.list_tags(Resource=ARN)["Tags"] == {"team": "b"}
c.update_function_configuration(**SHOP, Description="d")
assert c.list_tags(Resource=ARN)["Tags"] == {"team": "b"}
refused(c.tag_resource, *INVALID, "limit of 50", Resource=ARN,
        Tags={f"k{number}": "" for number in range(50)})
refused(c.tag_resource, *INVALID, "System tags", Resource=ARN, Tags={"AWS:x": "y"})
refused(c.tag_resource, *VALIDATION, None, Resource=ARN, Tags={"x" * 129: "y"})
refused(c.tag_resource, *INVALID, "not supported", Resource=f"{ARN}:$LATEST", Tags={"a": "b"})
refused(c.tag_resource, "ResourceNotFoundException", 404, None, Resource=f"{ARN}-x", Tags={"a": "b"})
assert c.list_tags(Resource=ARN)["Tags"] == {"team": "b"}

# A ceiling; none of it is waited for.
assert "ReservedConcurrentExecutions" not in c.get_function_concurrency(**SHOP)
refused(c.put_function_concurrency, *INVALID, "ceiling", **SHOP, ReservedConcurrentExecutions=10**6)
said = c.put_function_concurrency(**SHOP, ReservedConcurrentExecutions=1)
assert said["ReservedConcurrentExecutions"] == 1, said
assert c.get_function_concurrency(**SHOP)["ReservedConcurrentExecutions"] == 1
assert c.get_function(**SHOP)["Concurrency"] == {"ReservedConcurrentExecutions": 1}
assert read(c.invoke(**SHOP))["version"] == 1
FULL = ("TooManyRequestsException", 429)


def long():
    """Holds the one place, as soon as it is free."""
    while True:
        try:
            client().invoke(**SHOP, Payload=json.dumps({"do": "sleep", "seconds": 20}))
            return
        except c.exceptions.TooManyRequestsException:
            time.sleep(0.02)


threading.Thread(target=long, daemon=True).start()
for attempt in range(100):
    try:
        c.invoke(**SHOP)
        time.sleep(0.1)
    except c.exceptions.TooManyRequestsException as error:
        full = error.response
        break
else:
    raise AssertionError("the second at a time was not refused")
assert full["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", full
assert full["ResponseMetadata"]["HTTPHeaders"]["retry-after"], full
c.put_function_concurrency(**SHOP, ReservedConcurrentExecutions=0)
refused(c.invoke, *FULL, "Rate Exceeded.", **SHOP)
refused(c.invoke_with_response_stream, *FULL, "Rate Exceeded.", **SHOP)
assert c.invoke(**SHOP, InvocationType="Event")["StatusCode"] == 202
c.delete_function_concurrency(**SHOP)
assert read(c.invoke(**SHOP))["version"] == 1
refused(c.put_function_concurrency, *INVALID, "unqualified", FunctionName="shop:$LATEST",
        ReservedConcurrentExecutions=1)

# Processes that are ready.
version = {**SHOP, "Qualifier": c.publish_version(**SHOP)["Version"]}
NONE = ("ProvisionedConcurrencyConfigNotFoundException", 404)
refused(c.get_provisioned_concurrency_config, *NONE, None, **version)
refused(c.put_provisioned_concurrency_config, *INVALID, "unpublished", **SHOP, Qualifier="$LATEST",
        ProvisionedConcurrentExecutions=1)
refused(c.put_provisioned_concurrency_config, *INVALID, "at most 100", **version,
        ProvisionedConcurrentExecutions=101)
said = c.put_provisioned_concurrency_config(**version, ProvisionedConcurrentExecutions=2)
assert said["RequestedProvisionedConcurrentExecutions"] == 2, said
for attempt in range(300):
    said = c.get_provisioned_concurrency_config(**version)
    if said["Status"] == "READY":
        break
    time.sleep(0.1)
assert said["AvailableProvisionedConcurrentExecutions"] == 2, said
assert read(c.invoke(**version))["start"] == "provisioned-concurrency"
assert read(c.invoke(**SHOP))["start"] == "on-demand"
refused(c.put_function_concurrency, *INVALID, "provisioned", **SHOP, ReservedConcurrentExecutions=1)
listed = c.list_provisioned_concurrency_configs(**SHOP)["ProvisionedConcurrencyConfigs"]
assert [it["FunctionArn"] for it in listed] == [f"{ARN}:1"], listed
c.delete_provisioned_concurrency_config(**version)
refused(c.get_provisioned_concurrency_config, *NONE, None, **version)

# Calls that wait.
NO_CONFIG = ("ResourceNotFoundException", 404, "doesn't have an EventInvokeConfig")
refused(c.get_function_event_invoke_config, *NO_CONFIG, **SHOP)
refused(c.update_function_event_invoke_config, *NO_CONFIG, **SHOP, MaximumRetryAttempts=1)
refused(c.delete_function_event_invoke_config, *NO_CONFIG, **SHOP)
said = c.put_function_event_invoke_config(**SHOP, MaximumRetryAttempts=1)
assert (said["MaximumRetryAttempts"], said["FunctionArn"]) == (1, f"{ARN}:$LATEST"), said
said = c.update_function_event_invoke_config(**SHOP, MaximumEventAgeInSeconds=60)
assert (said["MaximumRetryAttempts"], said["MaximumEventAgeInSeconds"]) == (1, 60), said
said = c.put_function_event_invoke_config(**SHOP, MaximumRetryAttempts=0)
assert "MaximumEventAgeInSeconds" not in said and said["LastModified"].year >= 2024, said
c.put_function_event_invoke_config(**version, MaximumRetryAttempts=2)
listed = c.list_function_event_invoke_configs(**SHOP)["FunctionEventInvokeConfigs"]
assert [it["FunctionArn"] for it in listed] == [f"{ARN}:$LATEST", f"{ARN}:1"], listed
c.delete_function_event_invoke_config(**version)
refused(c.put_function_event_invoke_config, *VALIDATION, "maximumRetryAttempts", **SHOP,
        MaximumRetryAttempts=3)
refused(c.put_function_event_invoke_config, *INVALID, "no DestinationConfig.OnFailure", **SHOP,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:000000000000:q"}})
failing = c.invoke(**SHOP, InvocationType="Event", Payload=b'{"do":"exit"}')
print("failing", failing["ResponseMetadata"]["RequestId"])

# What tools ask for on reading.
assert c.get_function_code_signing_config(**SHOP)["CodeSigningConfigArn"] == ""
assert c.get_runtime_management_config(**SHOP)["UpdateRuntimeOn"] == "Auto"
assert c.get_function_recursion_config(**SHOP)["RecursiveLoop"] == "Terminate"

# Who may only call.
may = client(aws_access_key_id=os.environ["OTHER_ID"], aws_secret_access_key=os.environ["OTHER_SECRET"])
DENIED = ("AccessDeniedException", 403)
for call, more in [
    (may.publish_version, {}), (may.list_versions_by_function, {}), (may.list_aliases, {}),
    (may.create_alias, {"Name": "a", "FunctionVersion": "1"}), (may.delete_alias, {"Name": "a"}),
    (may.update_alias, {"Name": "a"}), (may.get_alias, {"Name": "a"}),
    (may.put_function_concurrency, {"ReservedConcurrentExecutions": 0}),
    (may.get_function_concurrency, {}), (may.delete_function_concurrency, {}),
    (may.list_provisioned_concurrency_configs, {}),
    (may.put_provisioned_concurrency_config, {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1}),
    (may.delete_provisioned_concurrency_config, {"Qualifier": "1"}),
]:
    refused(call, *DENIED, "not authorized", **{"FunctionName": "f", **more})
refused(may.tag_resource, *DENIED, None, Resource=ARN, Tags={"a": "b"})
refused(may.untag_resource, *DENIED, None, Resource=ARN, TagKeys=["a"])
print("done")
