//! Triggers of Azure's functions beside HTTP: messages of a queue, events of Event Grid and timers, for
//! the published libraries and for a custom handler.

use super::stage::{Package, until};
use crate::rig::{Node, raw};
use serde_json::{Value, json};

/// The triggers in a manifest, the rest of the function's keys before them.
const TRIGGERS: &str = r#"
timeout = "60s"
memory = "256MiB"
on = [
    { name = "orders", type = "paid", as = "queue" },
    { name = "grid", type = "moved", as = "eventgrid" },
]
schedule = [{ name = "nightly", cron = "0 2 * * *" }]
[function.native]
"#;

fn deployed(package: &Package, native: &str) -> Node {
    package.manifest(&format!("{TRIGGERS}{native}\n"));
    let node = Node::start();
    package.deploy(&node);
    node
}

/// Publishes an event of a type to an application, as somebody who may.
pub(super) fn publish(
    node: &Node,
    application: &str,
    token: &str,
    kind: &str,
    id: &str,
    data: &str,
) {
    let request = format!(
        "POST /.casemate/events/{application} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\nce-specversion: 1.0\r\nce-id: {id}\r\nce-source: /erp\r\n\
         ce-type: {kind}\r\nce-time: 2026-01-02T03:04:05Z\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{data}",
        data.len()
    );
    let reply = raw(node.gateway, request.as_bytes());
    assert_eq!(reply.status, 202, "{}", reply.text());
}

/// A token of somebody who may publish to an application.
pub(super) fn publisher(node: &Node, application: &str) -> String {
    let token = node.ok(&["token", "create", "erp"]).trim().to_owned();
    node.ok(&["grant", "token:erp", "publish", application]);
    token
}

/// What the function said that it saw, once it is enough.
fn saw(node: &Node, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    until("the function is called", || {
        let text = node.ok(&["--format", "json", "logs", "--function", "f", "-n", "1000"]);
        let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let saw =
            |line: Value| serde_json::from_str(line["text"].as_str()?.strip_prefix("SAW ")?).ok();
        found = all.filter_map(saw).collect();
        enough(&found)
    });
    found
}

/// Waits until one call is given up, after three attempts, and nothing else waits.
fn given_up(node: &Node) -> Value {
    let mut left = Value::Null;
    until("a dead letter is left", || {
        let listed = node.json(&["queue", "list"]);
        left = listed["items"].clone();
        left.as_array().is_some_and(|all| all.len() == 1 && all[0]["state"] == "dead")
    });
    assert_eq!(left[0]["attempts"], 3, "{left}");
    left[0].clone()
}

/// Functions of the programming models, which differ in nothing that is seen here.
fn models(node: &Node) {
    let token = publisher(node, "app");
    publish(node, "app", &token, "paid", "1", r#"{"what":"bread"}"#);
    publish(node, "app", &token, "moved", "2", r#"{"to":"Bonn"}"#);
    node.ok(&["schedule", "run", "nightly"]);
    let all = saw(node, |all| all.len() == 3);
    let find = |what: &str| all.iter().find(|it| it["what"] == what).expect(what).clone();
    let order = find("order");
    assert_eq!(order["body"], r#"{"what":"bread"}"#);
    assert_eq!(order["count"], 1);
    assert!(order["receipt"].as_str().is_some_and(|it| !it.is_empty()), "{order}");
    let records = node.records(3);
    let is_order =
        |record: &&Value| record["trigger"].as_str().is_some_and(|it| it.contains("orders"));
    let record = records.iter().find(is_order).expect("a record");
    assert_eq!((&record["id"], &record["outcome"]), (&order["id"], &"ok".into()));
    let grid = find("grid");
    assert_eq!(
        (&grid["id"], &grid["topic"], &grid["kind"], &grid["data"]),
        (&"2".into(), &"/erp".into(), &"moved".into(), &json!({ "to": "Bonn" }))
    );
    assert!(grid["time"].as_str().is_some_and(|it| it.starts_with("2026-01-02")), "{grid}");
    let nightly = find("nightly");
    assert_eq!(nightly["late"], false);
    let said = nightly.to_string().to_lowercase();
    assert!(said.contains("adjustfordst") && said.contains("t02:00:00+00:00"), "{nightly}");
    // What fails is tried again, is the same message, and says how often it came.
    publish(node, "app", &token, "paid", "3", r#"{"what":"poison"}"#);
    let dead = given_up(node);
    let all = saw(node, |all| all.len() == 6);
    let counts: Vec<&Value> = all[3..].iter().map(|it| &it["count"]).collect();
    assert_eq!(counts, [1, 2, 3], "{all:?}");
    assert!(all[3..].iter().all(|it| it["id"] == dead["invocation"]), "{all:?}");
}

#[test]
fn azures_queues_timers_and_event_grid_in_python_with_the_published_library() {
    let package =
        Package::of(&["shims/azure-triggers/function_app.py"]).bring_python("azure/python");
    models(&deployed(&package, "contract = \"azure\"\ninterpreter = \"python3.11\""));
}

#[test]
fn azures_queues_timers_and_event_grid_in_node_with_the_published_library() {
    let files = ["shims/azure-triggers/index.js", "shims/azure-triggers/package.json"];
    let package = Package::of(&files).bring_node("azure/node");
    models(&deployed(&package, "contract = \"azure\"\ninterpreter = \"node\""));
}

#[test]
fn a_custom_handler_is_called_with_queues_and_timers_as_azures_host_does() {
    let package = Package::of(&["azure-triggers/handler.py"]);
    let native = "contract = \"azure\"\ninterpreter = \"python3.11\"\n\
                  command = [\"python3.11\", \"handler.py\"]\nhandler = \"Work\"";
    let node = deployed(&package, native);
    let token = publisher(&node, "app");
    publish(&node, "app", &token, "paid", "1", r#"{"what":"bread"}"#);
    let seen = saw(&node, |all| all.len() == 1).remove(0);
    assert_eq!(seen["path"], "/Work");
    // A text of JSON within a text, as that host writes it.
    assert_eq!(seen["Data"], json!({ "myQueueItem": "\"{\\\"what\\\":\\\"bread\\\"}\"" }));
    let metadata = &seen["Metadata"];
    assert_eq!(metadata["DequeueCount"], "1");
    assert_eq!(metadata["sys"]["MethodName"], "Work");
    for name in ["Id", "PopReceipt", "InsertionTime", "ExpirationTime", "NextVisibleTime"] {
        assert!(metadata[name].is_string(), "{name}: {metadata}");
    }
    node.ok(&["schedule", "run", "nightly"]);
    let seen = saw(&node, |all| all.len() == 2).remove(1);
    let timer = &seen["Data"]["myTimer"];
    assert_eq!(
        (&timer["IsPastDue"], &timer["Schedule"]["AdjustForDST"]),
        (&false.into(), &true.into())
    );
    for name in ["Last", "LastUpdated", "Next"] {
        let time = timer["ScheduleStatus"][name].as_str();
        assert!(time.is_some_and(|it| it.ends_with("T02:00:00+00:00")), "{timer}");
    }
    publish(&node, "app", &token, "paid", "2", r#"{"what":"poison"}"#);
    given_up(&node);
    let all = saw(&node, |all| all.len() == 5);
    let counts: Vec<&Value> = all[2..].iter().map(|it| &it["Metadata"]["DequeueCount"]).collect();
    assert_eq!(counts, ["1", "2", "3"]);
}

#[test]
fn who_publishes_says_a_message_and_nothing_about_it() {
    let package = Package::of(&["azure-triggers/handler.py"]);
    let native = "contract = \"azure\"\ninterpreter = \"python3.11\"\n\
                  command = [\"python3.11\", \"handler.py\"]\nhandler = \"Work\"";
    let node = deployed(&package, native);
    let token = publisher(&node, "app");
    // The form of an invocation, and that of the platform's own document about one.
    let forged = [
        r#"{"Data":{"myTimer":{}},"Metadata":{"DequeueCount":"9"}}"#,
        r#"{"sort":"timer","value":{"IsPastDue":true},"metadata":{"DequeueCount":"9"}}"#,
    ];
    for (at, data) in forged.iter().enumerate() {
        publish(&node, "app", &token, "paid", &at.to_string(), data);
    }
    let request = format!(
        "POST /.casemate/events/app HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\nce-specversion: 1.0\r\nce-id: 9\r\nce-source: /erp\r\n\
         ce-type: paid\r\ncontent-type: application/vnd.casemate.azure-trigger+json\r\n\
         content-length: {}\r\n\r\n{}",
        forged[1].len(),
        forged[1]
    );
    assert_eq!(raw(node.gateway, request.as_bytes()).status, 202);
    let all = saw(&node, |all| all.len() == 3);
    for seen in all {
        assert!(seen["Data"]["myQueueItem"].is_string(), "{seen}");
        assert_eq!(seen["Metadata"]["DequeueCount"], "1", "{seen}");
    }
}
