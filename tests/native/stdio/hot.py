"""A function of IronFunctions' format `http`: HTTP/1.1 on its standard streams."""

import io
import json
import sys
import time
from http.client import parse_headers

while line := sys.stdin.buffer.readline():
    method, path, _ = line.decode().split(" ", 2)
    headers = parse_headers(sys.stdin.buffer)
    text = sys.stdin.buffer.read(int(headers.get("Content-Length") or 0))
    word = json.loads(text)["do"] if text else path.strip("/")
    print("asked to", word, file=sys.stderr, flush=True)
    if word == "slow":
        time.sleep(60)
    body = json.dumps({"did": word}).encode()
    status = "500 Internal Server Error" if word == "fail" else "200 OK"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
    sys.stdout.buffer.write(head.encode() + body)
    sys.stdout.buffer.flush()
