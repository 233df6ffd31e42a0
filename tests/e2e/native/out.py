"""A function of AWS Lambda's contract that asks others, with the standard library."""

import json
import os
import ssl
import urllib.error
import urllib.request


def handler(event, context):
    act = event["rawPath"].rsplit("/", 1)[-1]
    said = globals()[act](event.get("queryStringParameters") or {})
    return {"statusCode": 200, "body": json.dumps(said)}


def ask(url, method="GET", body=None, headers=None, **more):
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30, **more) as reply:
            return {"status": reply.status, "body": reply.read().decode(), "tag": reply.headers.get("ETag")}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}
    except OSError as error:
        return {"error": str(error)}


def fetch(query):
    headers = {}
    if "secret" in query:
        headers["Authorization"] = "Bearer " + os.environ[query["secret"]]
    return ask(query["url"], headers=headers)


def unseen(query):
    """Trusts nobody but the server's own authority."""
    context = ssl.create_default_context(cafile="/var/task/authority.pem")
    return ask(query["url"], context=context)


def variables(query):
    return {name: os.environ.get(name) for name in query["names"].split(",")}


def stores(query):
    store = "http://host.casemate.internal/keyvalue/default"
    return {
        "missing": ask(store + "/a")["status"],
        "put": ask(store + "/a", "PUT", b"one")["status"],
        "got": ask(store + "/a"),
        "taken": ask(store + "/a", "PUT", b"two", {"If-None-Match": "*"})["status"],
        "sum": ask(store + "/n?add=5", "POST", b"")["body"],
        "keys": ask(store + "?prefix=")["body"],
        "deleted": ask(store + "/a", "DELETE")["status"],
        "other": ask("http://host.casemate.internal/keyvalue/carts/a")["status"],
    }
