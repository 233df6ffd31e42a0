"""Packs what was ordered. One kind of order makes it fail, each time: README.md follows one."""

import json
import urllib.error
import urllib.request

STORE = "http://host.casemate.internal/keyvalue/default/"


def handler(event, context):
    order = event["data"]
    grams = sum(line["count"] * line["grams"] for line in order["lines"])
    # A call runs at least once: the first parcel of an order is the one that counts.
    if keep("parcel-" + order["number"], {"order": order["number"], "grams": grams}):
        print(f"order {order['number']}: a parcel of {grams} g")
    else:
        print(f"order {order['number']}: packed already")


def keep(key, document):
    """Whether it was not there before."""
    fields = {"if-none-match": "*"}
    request = urllib.request.Request(STORE + key, json.dumps(document).encode(), fields, method="PUT")
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        if error.code != 412:
            raise
        return False
    return True
