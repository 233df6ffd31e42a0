import json
import os


def handle(event, context):
    names = ["GREETING", "MAIL_KEY"]
    return {"statusCode": 200, "body": json.dumps({name: os.environ.get(name) for name in names})}
