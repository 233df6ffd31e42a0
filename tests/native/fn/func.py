"""A function of Fn's in Python, with its published FDK."""

import io
import json
import time

import fdk
from fdk import customer_code, response


def handler(ctx, data: io.BytesIO = None):
    text = data.getvalue() if data else b""
    word = json.loads(text)["do"] if text else ctx.RequestURL().rpartition("/")[2]
    print("asked to", word, flush=True)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    if word == "seen":
        seen = {"method": ctx.Method(), "headers": ctx.HTTPHeaders(), "id": ctx.CallID(), "deadline": ctx.Deadline()}
        headers = {"X-Made-By": "fn", "Content-Type": "application/json"}
        return response.Response(ctx, json.dumps(seen), headers, 201)
    return response.Response(ctx, json.dumps({"did": word}), {"Content-Type": "application/json"})


if __name__ == "__main__":
    fdk.handle(customer_code.Function(__file__, entrypoint="handler"))
