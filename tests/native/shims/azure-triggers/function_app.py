"""Triggers of Azure's Python model, version 2, each printing what it is given."""

import json

import azure.functions as func

app = func.FunctionApp()


def saw(what, **said):
    print("SAW", json.dumps({"what": what} | said), flush=True)


@app.event_grid_trigger(arg_name="event")
def grid(event: func.EventGridEvent):
    saw("grid", id=event.id, topic=event.topic, kind=event.event_type, data=event.get_json(), time=str(event.event_time))


@app.queue_trigger(arg_name="msg", queue_name="orders", connection="c")
def order(msg: func.QueueMessage):
    body = msg.get_body().decode()
    assert msg.time_next_visible > msg.insertion_time and msg.expiration_time > msg.time_next_visible
    saw("order", body=body, id=msg.id, count=msg.dequeue_count, receipt=msg.pop_receipt)
    if "poison" in body:
        raise ValueError("no such order")


@app.timer_trigger(schedule="0 0 2 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest):
    saw("nightly", late=timer.past_due, schedule=timer.schedule, status=timer.schedule_status)
