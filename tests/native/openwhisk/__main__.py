"""An action of OpenWhisk's in Python, as its zip files have it."""

import json
import os
import time
import urllib.error
import urllib.request


def main(params):
    word = params.get("do") or params["__ow_path"].strip("/")
    print("asked to", word)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    if word == "web":
        return {"statusCode": 201, "headers": {"X-Activation": os.environ["__OW_ACTIVATION_ID"]}, "body": params}
    if word == "text":
        return "no dictionary"
    if word == "again":
        # It is initialised already, and nobody inside makes another action of it.
        body = json.dumps({"value": {"main": "other", "code": "def other(_): return {}"}}).encode()
        try:
            urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8080/init", body))
        except urllib.error.HTTPError as error:
            return {"status": error.code} | json.load(error)
    return {"did": word}
