"""Functions of Azure's Python model, version 2."""

import json
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def act(word):
    print("asked to", word)
    if word == "fail":
        raise RuntimeError("it failed")
    if word == "slow":
        time.sleep(60)
    return json.dumps({"did": word})


@app.route(route="{word?}", methods=["GET", "POST"])
async def order(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    assert context.invocation_id and context.function_name == "order"
    word = req.route_params.get("word") or req.get_json()["do"]
    return func.HttpResponse(act(word), mimetype="application/json", headers={"X-Name": req.params.get("name", "")})


@app.route(route="plain/{*rest}", methods=["GET"])
def plain(req: func.HttpRequest) -> str:
    return req.route_params["rest"]


@app.function_name("note")
@app.queue_trigger(arg_name="msg", queue_name="notes", connection="c")
def note(msg: func.QueueMessage) -> str:
    return act(json.loads(msg.get_body())["do"])


@app.timer_trigger(schedule="0 * * * * *", arg_name="timer")
def tick(timer: func.TimerRequest) -> None:
    print("late" if timer.past_due else "in time")
