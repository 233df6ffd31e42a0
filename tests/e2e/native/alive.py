"""A function of AWS Lambda's contract that remembers."""

import json
import os
import threading
import time

COUNT = 0
GAP = 0


def ticks():
    global GAP
    last = time.monotonic()
    while True:
        time.sleep(0.001)
        now = time.monotonic()
        GAP = max(GAP, now - last)
        last = now


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
    said = {"count": COUNT, "gap": GAP, "seen": seen}
    return {"statusCode": 200, "body": json.dumps(said)}
