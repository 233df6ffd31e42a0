"""A function of Knative's with its published library, which serves it."""

import asyncio
import json
import os

from func_python.http import serve


class Function:
    async def handle(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        word = json.loads(body)["do"] if body else scope["path"].strip("/")
        print("asked to", word, flush=True)
        if word == "slow":
            await asyncio.sleep(60)
        said = {"did": word, "service": os.environ.get("K_SERVICE")}
        headers = [[b"content-type", b"application/json"]]
        status = 500 if word == "fail" else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})


def new():
    return Function()


if __name__ == "__main__":
    serve(new)
