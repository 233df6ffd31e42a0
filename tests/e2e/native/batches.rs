//! Batches and native functions: what a handler of AWS Lambda, a server and a Worker get, and a message
//! that poisons its batch.

use super::place::{Place, Who, function, handler, server, until};
use super::workers::worker;
use crate::rig::{Reply, raw};
use serde_json::{Value, json};

/// Reports what it cannot do, as the documentation of AWS has it.
const LAMBDA: &str = r#"
import hashlib, json

def handler(event, context):
    print("SAW " + json.dumps(event), flush=True)
    failed = []
    for record in event["Records"]:
        assert record["eventSource"] == "aws:sqs"
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
        if "poison" in record["body"]:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"#;

/// The same as a server.
const SERVER: &str = r#"
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        print("SAW " + body, flush=True)
        assert self.headers["content-type"] == "application/cloudevents-batch+json"
        failed = [{"itemIdentifier": event["casematemessage"]} for event in json.loads(body)
                  if "poison" in json.dumps(event.get("data"))]
        reply = json.dumps({"batchItemFailures": failed}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// The same as a Worker. It says it of some, and of the others by coming to its end.
const WORKER: &str = r#"
export default {
  async queue(batch, env, ctx) {
    if (batch.queue !== "edge") throw new Error(`the queue is ${batch.queue}`);
    console.log("SAW " + JSON.stringify(batch.messages));
    for (const message of batch.messages) {
      if (!(message.timestamp instanceof Date)) throw new Error("no date");
      if (message.body.data.what === "poison") message.retry();
      else if (message.body.id === "0") message.ack();
    }
    batch.ackAll();
  },
};
"#;

const EVENTS: usize = 6;

/// Publishes all events in one request: the third is poison.
fn publish(place: &Place, token: &str) -> Reply {
    let event = |at: usize| {
        let what = if at == 2 { "poison" } else { "bread" };
        json!({ "specversion": "1.0", "id": at.to_string(), "source": "/erp", "type": "paid",
                "data": { "what": what } })
    };
    let body = Value::from((0..EVENTS).map(event).collect::<Vec<_>>()).to_string();
    let request = format!(
        "POST /.casemate/events/n HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/cloudevents-batch+json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(place.node.gateway, request.as_bytes())
}

/// How many messages came with each call, in their order.
fn sizes(place: &Place, name: &str) -> Vec<(usize, Value)> {
    let text = place.node.ok(&["--format", "json", "logs", "--function", name, "-n", "1000"]);
    let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let saw = all.filter_map(|line| {
        let saw: Value = serde_json::from_str(line["text"].as_str()?.strip_prefix("SAW ")?).ok()?;
        let list = saw.get("Records").unwrap_or(&saw).as_array().cloned()?;
        Some((list.len(), Value::from(list)))
    });
    saw.collect()
}

#[test]
fn the_others_of_a_batch_are_done_and_the_poison_alone_comes_to_the_dead_letters() {
    let place = Place::open(Who::Root);
    place.write("app/f.py", LAMBDA);
    place.write("app/server.py", SERVER);
    let more = |name: &str| {
        format!(
            "timeout = \"60s\"\non = [{{ name = \"{name}\", type = \"paid\", batch = 10, batch_window = \"5s\" }}]"
        )
    };
    place.write("edge/index.js", WORKER);
    let all = [
        function("cloud", &more("cloud"), &handler("f.handler")),
        function("plain", &more("plain"), &server("server.py")),
        worker("edge", &more("edge"), ""),
    ];
    place.deploy(&all.concat());
    let token = place.node.ok(&["token", "create", "erp"]).trim().to_owned();
    place.node.ok(&["grant", "token:erp", "publish", "n"]);
    let reply = publish(&place, &token);
    assert_eq!(reply.status, 202, "{}", reply.text());
    let mut left = Vec::new();
    until("three dead letters are left", || {
        let listed = place.node.json(&["queue", "list"]);
        left = listed["items"].as_array().expect("a list").clone();
        left.len() == all.len() && left.iter().all(|it| it["state"] == "dead")
    });
    for dead in &left {
        assert_eq!(dead["attempts"], 3);
        assert!(dead["error"].as_str().is_some_and(|why| why.starts_with("E1428")), "{dead}");
        let id = dead["invocation"].as_str().expect("an id");
        let record = place.node.json(&["record", id]);
        assert_eq!((&record["outcome"], &record["code"]), (&"guest_error".into(), &"E1428".into()));
        let trigger = record["trigger"].as_str().expect("text");
        let batch = trigger.split(" in batch ").nth(1).and_then(|it| it.split(',').next());
        let whole = place.node.json(&["record", batch.expect(trigger)]);
        assert_eq!(whole["outcome"], "ok");
        assert!(whole["trigger"].as_str().is_some_and(|it| it.contains(id)), "{whole}");
    }
    for (name, poison) in [("cloud", "body"), ("plain", "data"), ("edge", "body")] {
        let all = sizes(&place, name);
        let counts: Vec<usize> = all.iter().map(|(count, _)| *count).collect();
        assert_eq!(counts, [EVENTS, 1, 1], "{name}: the batch, and the poison twice");
        for (_, list) in &all[1..] {
            assert!(list[0][poison].to_string().contains("poison"), "{list}");
        }
    }
    let record = &sizes(&place, "cloud")[1].1[0];
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "2");
    assert!(record["eventSourceARN"].as_str().is_some_and(|it| it.ends_with(":cloud")), "{record}");
    // Its function is mended, and it is tried again.
    place.write("app/f.py", &LAMBDA.replace("\"poison\" in", "\"never\" in"));
    place.deploy(&function("cloud", &more("cloud"), &handler("f.handler")));
    place.node.ok(&["queue", "redrive", "cloud"]);
    until("it is done", || {
        let all = place.node.json(&["queue", "list"]);
        all["items"].as_array().is_some_and(|all| all.iter().all(|it| it["function"] != "cloud"))
    });
}
