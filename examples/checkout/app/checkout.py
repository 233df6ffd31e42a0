"""A shop's checkout. It takes cards' numbers and e-mail addresses, and never has one."""

import json
import os
import urllib.request

# The payment service of this example is on loopback, to which clients use no proxy by themselves.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""
# What the platform offers beside the way out is not behind the proxy.
PLATFORM = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def handler(event, context):
    order = json.loads(event["body"])
    print("order:", json.dumps(order))
    charge = {"card": {"number": order["card"]["number"]}, "amount": order["amount"]}
    paid = post(os.environ["PAYMENTS"] + "/v1/charges", charge)
    print("paid:", json.dumps(paid))
    kept = {"card": order["card"]["number"], "email": order["email"], "charge": paid["id"]}
    keep("order-" + paid["id"], kept)
    body = {**kept, "note": order["note"]}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def post(url, document):
    fields = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(document).encode(), fields)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def keep(key, document):
    url = f"http://host.casemate.internal/keyvalue/default/{key}"
    PLATFORM.open(urllib.request.Request(url, json.dumps(document).encode(), method="PUT")).close()
