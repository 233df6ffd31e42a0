"""Functions for the Functions Framework."""

import time

import functions_framework


def act(word):
    print("asked to", word, flush=True)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return {"did": word}


@functions_framework.http
def asked(request):
    return act(request.path.strip("/") or request.get_json()["do"])


@functions_framework.cloud_event
def told(event):
    act(event.data["do"])
