"""A function of AWS Lambda's contract that remembers."""

import json
import os
import threading
import time

COUNT = 0
GAP = 0
LAST = time.monotonic()


def ticks():
    global GAP, LAST
    while True:
        time.sleep(0.001)
        now = time.monotonic()
        GAP, LAST = max(GAP, now - LAST), now


threading.Thread(target=ticks, daemon=True).start()


def handler(event, context):
    global COUNT
    COUNT += 1
    act = event["rawPath"].rsplit("/", 1)[-1]
    seen = os.path.exists("/tmp/mark")
    open("/tmp/mark", "w").close()
    print("begun", flush=True)
    if act == "ends":
        os._exit(0)
    if act == "slow":
        time.sleep(3)
    if act == "endless":
        time.sleep(100000)
    began = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
    said = {"began": began, "count": COUNT, "gap": max(GAP, time.monotonic() - LAST), "seen": seen}
    return {"statusCode": 200, "body": json.dumps(said)}
