//! Events and native functions: the shapes in which they come, events that a process publishes, and
//! contracts on sensitive data that hold for their payloads.

use super::place::{Place, Who, function, handler, server};
use crate::rig::{Reply, raw};
use serde_json::Value;

const CARD: &str = "5555555555554444";

const LAMBDA: &str = r#"
import json

def handler(event, context):
    print("SAW " + json.dumps(event))
"#;

/// Says what it gets, and publishes one more if it is told to.
const SERVER: &str = r#"
import json, os, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        # The length is known, so no chunks come: many servers read none.
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        seen = {name.lower(): value for name, value in self.headers.items()}
        print("SAW " + json.dumps([self.path, seen, body]), flush=True)
        if seen.get("ce-type") != "told":
            event = {"specversion": "1.0", "id": "2", "source": "/f", "type": "told",
                     "data": json.loads(body)}
            fields = {"content-type": "application/cloudevents+json"}
            url = "http://events.casemate.internal/n"
            request = urllib.request.Request(url, json.dumps(event).encode(), fields)
            try:
                print("TOLD " + urllib.request.urlopen(request).read().decode(), flush=True)
            except urllib.error.HTTPError as error:
                print("TOLD %d %s" % (error.code, error.read().decode()), flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"#;

fn publish(place: &Place, token: &str, kind: &str, body: &str) -> Reply {
    let request = format!(
        "POST /.casemate/events/n HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /erp\r\n\
         ce-type: {kind}\r\nce-time: 2026-01-02T03:04:05Z\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(place.node.gateway, request.as_bytes())
}

fn publisher(place: &Place) -> String {
    let token = place.node.ok(&["token", "create", "erp"]).trim().to_owned();
    place.node.ok(&["grant", "token:erp", "publish", "n"]);
    token
}

/// Lines of the log that begin so, once there are as many, by the functions that wrote them.
fn lines(place: &Place, name: &str, begins: &str, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    super::place::until(&format!("{count} lines {begins} of {name}"), || {
        let text = place.node.ok(&["--format", "json", "logs", "--function", name, "-n", "1000"]);
        let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found = all
            .filter_map(|line| line["text"].as_str()?.strip_prefix(begins).map(str::to_owned))
            .collect();
        found.len() >= count
    });
    found
}

#[test]
fn lambdas_functions_get_documents_and_servers_get_requests() {
    let place = Place::open(Who::Root);
    place.write("app/f.py", LAMBDA);
    place.write("app/server.py", SERVER);
    let lambda = |name: &str, on: &str| {
        let more =
            format!("timeout = \"60s\"\non = [{{ name = \"{name}\", type = \"paid\"{on} }}]");
        function(name, &more, &handler("f.handler"))
    };
    let plain = "timeout = \"60s\"\non = [{ name = \"plain\", type = \"paid\" }]";
    let all = [
        lambda("cloud", ""),
        lambda("bridge", ", as = \"eventbridge\""),
        function("plain", plain, &server("server.py")),
    ];
    place.deploy(&all.concat());
    let token = publisher(&place);
    let reply = publish(&place, &token, "paid", r#"{"n":1}"#);
    assert_eq!(reply.status, 202, "{}", reply.text());
    let saw = |name: &str| -> Value {
        serde_json::from_str(&lines(&place, name, "SAW ", 1)[0]).expect("JSON")
    };
    let cloud = saw("cloud");
    assert_eq!(
        cloud,
        serde_json::json!({
            "specversion": "1.0", "id": "1", "source": "/erp", "type": "paid",
            "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json",
            "data": { "n": 1 },
        })
    );
    let bridge = saw("bridge");
    assert_eq!(
        (&bridge["detail-type"], &bridge["detail"]),
        (&"paid".into(), &serde_json::json!({ "n": 1 }))
    );
    assert_eq!(
        (&bridge["source"], &bridge["time"]),
        (&"/erp".into(), &"2026-01-02T03:04:05Z".into())
    );
    let plain = saw("plain");
    assert_eq!((&plain[0], &plain[2]), (&"/".into(), &r#"{"n":1}"#.into()));
    assert_eq!((&plain[1]["ce-id"], &plain[1]["ce-type"]), (&"1".into(), &"paid".into()));
    assert_eq!(plain[1]["casemate-caller"], "trigger:plain");
    // It tried to publish, and nothing in its manifest asks for that.
    let told = lines(&place, "plain", "TOLD ", 1).remove(0);
    assert!(told.starts_with("403"), "{told}");
}

#[test]
fn what_a_process_publishes_has_its_labels_and_hangs_below_it() {
    let place = Place::open(Who::Root);
    place.write("app/server.py", SERVER);
    let first = "timeout = \"60s\"\non = [{ name = \"first\", type = \"paid\" }]";
    let second = "timeout = \"60s\"\non = [{ name = \"second\", type = \"told\" }]";
    let contract = "[function.allow]\npublish = [\"n\"]\n\
                    [[function.data.in]]\nat = \"body:/number\"\nclass = \"pan\"\ntransform = \"token\"\n";
    place.deploy(&format!(
        "{}{contract}{}",
        function("first", first, &server("server.py")),
        function("second", second, &server("server.py"))
    ));
    let token = publisher(&place);
    let reply = publish(&place, &token, "paid", &format!(r#"{{"number":"{CARD}"}}"#));
    assert_eq!(reply.status, 202, "{}", reply.text());
    let told = lines(&place, "first", "TOLD ", 1).remove(0);
    assert_eq!(told, r#"{"accepted":1,"duplicates":0}"#);
    let first: Value = serde_json::from_str(&lines(&place, "first", "SAW ", 1)[0]).expect("JSON");
    let second: Value = serde_json::from_str(&lines(&place, "second", "SAW ", 1)[0]).expect("JSON");
    for saw in [&first, &second] {
        let body = saw[2].as_str().expect("a body");
        assert!(body.contains("tok_pan_1_") && !body.contains(CARD), "{body}");
        assert_eq!(saw[1]["casemate-labels"], "pan.token");
    }
    assert_eq!(second[1]["ce-dataclassification"], "pan.token");
    let records = place.node.records(2);
    let find = |name: &str| records.iter().find(|it| it["function"] == name).expect(name).clone();
    let (above, below) = (find("first"), find("second"));
    assert_eq!((&below["parent"], &below["root"]), (&above["id"], &above["id"]));
    assert_eq!(below["trigger"], "event second from function:first, attempt 1");
    let calls = above["calls"].as_array().expect("a list");
    let call = calls.iter().find(|it| it["operation"] == "publish");
    assert_eq!(call.expect("one")["resource"], "n");
}
