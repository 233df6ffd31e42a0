"""Functions of the Functions Framework that say what they are told."""

import json

import functions_framework


def saw(**said):
    print("SAW", json.dumps(said), flush=True)


@functions_framework.cloud_event
def told(event):
    saw(kind=event["type"], source=event["source"], data=event.data)


def background(data, context):
    saw(data=data, id=context.event_id, kind=context.event_type, resource=context.resource, time=context.timestamp)
