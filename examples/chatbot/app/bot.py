"""A bot that answers slowly. Slack does not wait for it: the platform has said 200 by then."""

import json
import os
import time
import urllib.request

# The stand-in for Slack is on loopback, to which clients use no proxy by themselves.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""


def handler(event, context):
    message = event["data"]["event"]
    # Slack sends bots what they wrote themselves, too.
    if message["type"] != "message" or "bot_id" in message:
        return
    print(f"{message['user']} wrote in {message['channel']}")
    answer = {"channel": message["channel"], "text": think(message["text"])}
    said = post(os.environ["SLACK"] + "/api/chat.postMessage", answer)
    if not said["ok"]:
        raise RuntimeError(said["error"])


def think(text):
    time.sleep(4)  # a language model, a search, a colleague
    return f"You wrote {len(text.split())} words."


def post(url, document):
    # No credential is in it. The platform adds the one that the manifest names, for this address.
    fields = {"content-type": "application/json; charset=utf-8"}
    request = urllib.request.Request(url, json.dumps(document).encode(), fields)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
