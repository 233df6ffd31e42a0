//! Event-source mappings: what is published comes to a function as messages of a queue, in batches.

use super::{Called, MANIFEST};
use crate::rig::raw;
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One more, with what AWS calls a mapping.
const MAPPED: &str = r#"
[[function]]
name = "mapped"
runtime = "native"
source = "source"
on = [{ name = "mapped", batch = 7 }]
native = { contract = "lambda", interpreter = "python3", handler = "app.handler" }
"#;

#[test]
fn boto3_maps_queues_to_functions_which_get_their_messages_in_batches() {
    let (called, (id, secret)) = Called::managed();
    let manifest = called.files.path().join("casemate.toml");
    std::fs::write(&manifest, format!("{MANIFEST}{MAPPED}")).expect("written");
    called.node.ok(&["deploy", "--grant", called.files.path().to_str().expect("text")]);
    called.script("mappings.py", &[("OTHER_ID", &id), ("OTHER_SECRET", &secret)]);
    let node = &called.node;
    let token = node.ok(&["token", "create", "erp"]).trim().to_owned();
    node.ok(&["grant", "token:erp", "publish", "shop"]);
    let event = |n: usize, kind: &str| {
        json!({ "specversion": "1.0", "id": n.to_string(), "source": "/erp",
                            "type": kind, "data": { "n": n } })
    };
    let events = [event(1, "paid"), event(2, "sent.today"), event(3, "lost"), event(4, "paid")];
    let body = Value::from(events.to_vec()).to_string();
    let request = format!(
        "POST /.casemate/events/shop HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/cloudevents-batch+json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = raw(node.gateway, request.as_bytes());
    assert_eq!(reply.status, 202, "{}", reply.text());
    // What it reports comes again alone, and nothing else does; what no filter wants never comes.
    let began = Instant::now();
    let dead = loop {
        let listed = node.json(&["queue", "list"]);
        let items = listed["items"].as_array().expect("a list").clone();
        if items.len() == 1 && items[0]["state"] == "dead" {
            break items[0].clone();
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{listed}");
        sleep(Duration::from_millis(100));
    };
    assert_eq!(dead["attempts"], 3, "{dead}");
    let text = node.ok(&["--format", "json", "logs", "--function", "shop", "-n", "1000"]);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let numbers = |event: Value| -> Vec<u64> {
        let records = event["Records"].as_array().expect("records");
        assert!(records.iter().all(|it| {
            it["eventSourceARN"].as_str().is_some_and(|arn| arn.ends_with(":orders"))
        }));
        let bodies = records.iter().map(|it| it["body"].as_str().expect("text"));
        let bodies = bodies.map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
        bodies.map(|it| it["data"]["n"].as_u64().expect("a number")).collect()
    };
    let mut saw: Vec<Vec<u64>> = lines
        .filter_map(|line| serde_json::from_str(line["text"].as_str()?.strip_prefix("SAW ")?).ok())
        .map(numbers)
        .collect();
    saw.iter_mut().for_each(|it| it.sort_unstable());
    assert_eq!(saw, [vec![1, 2, 4], vec![2], vec![2]]);
    let ledger = node.ok(&["ledger", "show"]);
    assert!(ledger.contains("trigger:orders invoke shop"), "{ledger}");
}
