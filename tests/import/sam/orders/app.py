import json
import os

from common import greeting


def handler(event, context):
    return {
        "greeting": greeting(),
        "order": event["rawPath"],
        "table": os.environ.get("TABLE"),
        "stage": os.environ.get("STAGE"),
        "key": os.environ.get("STRIPE_API_KEY"),
        "password": os.environ.get("DB_PASSWORD"),
    }


def report(event, context):
    return {"statusCode": 200, "body": json.dumps({"path": event["path"]})}
