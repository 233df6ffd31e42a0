//! Events through the real binary: published over HTTP in each mode, filtered, taken once also over
//! a restart and a kill, refused, and what no event trigger can be.

use crate::rig::{Node, PATIENCE, Reply, example, raw};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;

const PATH: &str = "/.casemate/events/shop";

/// The manifest of an application with one function `f`, and its triggers.
fn manifest(triggers: &str) -> String {
    format!(
        "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"f\"\nsource = \"a.wasm\"\n{triggers}"
    )
}

fn on(lines: &str) -> String {
    format!("[[function.on]]\n{lines}\n")
}

fn deploy(node: &Node, triggers: &str) -> String {
    let output = node.deploy_manifest(&manifest(triggers), &[("a.wasm", &example("echo"))]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said + &String::from_utf8_lossy(&output.stdout)
}

/// A token that may publish.
fn publisher(node: &Node) -> String {
    let token = node.ok(&["token", "create", "erp"]).trim().to_owned();
    node.ok(&["grant", "token:erp", "publish", "shop"]);
    token
}

fn post(node: &Node, token: Option<&str>, fields: &[&str], body: &str) -> Reply {
    send(node, "POST", PATH, token, fields, body)
}

fn send(
    node: &Node,
    method: &str,
    path: &str,
    token: Option<&str>,
    fields: &[&str],
    body: &str,
) -> Reply {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{token}{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(node.gateway, head.as_bytes())
}

fn binary(node: &Node, token: &str, id: &str, kind: &str) -> Reply {
    let (id, kind) = (format!("ce-id: {id}"), format!("ce-type: {kind}"));
    let fields = ["ce-specversion: 1.0", &id, "ce-source: /erp", &kind, "content-type: text/plain"];
    post(node, Some(token), &fields, "hello")
}

/// How many events were new and how many were seen before.
fn counts(reply: &Reply) -> (u64, u64) {
    assert_eq!(reply.status, 202, "{}", reply.text());
    let said: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let number = |key: &str| said[key].as_u64().expect("a number");
    (number("accepted"), number("duplicates"))
}

/// Waits until nothing waits any more, and gives the invocations that events caused and that ended
/// well, by their ids.
fn done(node: &Node) -> BTreeSet<String> {
    let deadline = Instant::now() + PATIENCE;
    while node.json(&["queue", "list"])["items"].as_array().is_none_or(|it| !it.is_empty()) {
        assert!(Instant::now() < deadline, "the queue is not worked off");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let page = node.json(&["records", "-n", "1000"]);
    let items = page["items"].as_array().or_else(|| page.as_array()).expect("a list");
    let own = items.iter().filter(|it| {
        it["outcome"] == "ok" && it["trigger"].as_str().is_some_and(|it| it.starts_with("event "))
    });
    own.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn an_event_calls_who_wants_it_when_publisher_and_trigger_are_granted() {
    let node = Node::start();
    let said = deploy(&node, &on("name = \"paid\"\ntype = \"com.x.paid\""));
    assert!(said.contains("casemate grant trigger:paid invoke f"), "{said}");
    let token = node.ok(&["token", "create", "erp"]).trim().to_owned();
    let refused = binary(&node, &token, "1", "com.x.paid");
    assert_eq!((refused.status, refused.code().as_str()), (403, "E1440"));
    assert!(refused.text().contains("casemate grant token:erp publish shop"), "{}", refused.text());
    let nobody = post(&node, None, &[], "");
    assert_eq!((nobody.status, nobody.code().as_str()), (401, "E0801"));
    node.ok(&["grant", "token:erp", "publish", "shop"]);
    assert_eq!(counts(&binary(&node, &token, "1", "com.x.paid")), (1, 0));
    assert!(done(&node).is_empty(), "the trigger is not granted");
    node.ok(&["grant", "trigger:paid", "invoke", "f"]);
    assert_eq!(counts(&binary(&node, &token, "2", "com.x.paid")), (1, 0));
    assert_eq!(counts(&binary(&node, &token, "3", "com.x.sent")), (1, 0));
    let ran = done(&node);
    assert_eq!(ran.len(), 1);
    let record = node.json(&["record", ran.first().expect("one")]);
    assert_eq!(record["caller"], "trigger:paid");
    assert_eq!(record["trigger"], "event paid from token:erp, attempt 1");
    assert_eq!((&record["bytes_in"], &record["bytes_out"]), (&5.into(), &5.into()));

    // It is listed with what came, which is what was granted then.
    let listed = node.json(&["events", "list"]);
    let row = &listed["items"][0];
    assert_eq!(
        (&row["name"], &row["function"], &row["came"], &row["state"], &row["outcome"]),
        (&"paid".into(), &"f".into(), &1.into(), &"granted".into(), &"ok".into())
    );
    assert_eq!(row["wants"], "type is \"com.x.paid\"");
    node.ok(&["revoke", "trigger:paid", "invoke", "f"]);
    let said = node.run(&["events", "list"]);
    let said = [said.stdout, said.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for part in ["APPLICATION", "shop", "not granted: casemate grant trigger:paid invoke f"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    node.ok(&["grant", "trigger:paid", "invoke", "f"]);

    // Grants go with what they are for.
    deploy(&node, "");
    let grants = node.json(&["grants"]).to_string();
    assert!(grants.contains("publish") && !grants.contains("trigger:paid"), "{grants}");
    node.ok(&["remove", "shop"]);
    assert!(!node.json(&["grants"]).to_string().contains("publish"));
    let (_, said) = node.fails(&["grant", "token:erp", "publish", "shop"]);
    assert!(said.contains("E0114"), "{said}");
}

#[test]
fn filters_and_modes_and_batches() {
    let node = Node::start();
    let filter = "filter = [{ any = [{ prefix = { type = \"com.x.\" } }, { exact = { region = \"eu\" } }] }, { not = { suffix = { subject = \"/test\" } } }]";
    deploy(&node, &on(&format!("name = \"paid\"\n{filter}")));
    node.ok(&["grant", "trigger:paid", "invoke", "f"]);
    let token = publisher(&node);
    let event = |id: &str, kind: &str, more: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/erp","type":"{kind}"{more},"data":{{"n":1}}}}"#
        )
    };
    let structured = ["content-type: application/cloudevents+json; charset=utf-8"];
    let take = |event: &str| counts(&post(&node, Some(&token), &structured, event));
    assert_eq!(take(&event("1", "com.x.paid", "")), (1, 0));
    assert_eq!(take(&event("2", "org.y", "")), (1, 0));
    assert_eq!(take(&event("3", "org.y", r#","region":"eu""#)), (1, 0));
    assert_eq!(take(&event("4", "com.x.paid", r#","subject":"a/test""#)), (1, 0));
    assert_eq!(done(&node).len(), 2);
    let batch = ["content-type: application/cloudevents-batch+json"];
    let all =
        |events: &[String]| post(&node, Some(&token), &batch, &format!("[{}]", events.join(",")));
    let bad = all(&[event("5", "com.x.a", ""), event("", "com.x.a", "")]);
    assert_eq!((bad.status, bad.code().as_str()), (400, "E1441"));
    assert!(bad.text().contains("event 2 of the batch"), "{}", bad.text());
    assert_eq!(done(&node).len(), 2, "nothing of a bad batch is taken");
    let good =
        all(&[event("5", "com.x.a", ""), event("1", "com.x.paid", ""), event("6", "org.y", "")]);
    assert_eq!(counts(&good), (2, 1));
    assert_eq!(done(&node).len(), 3);
    for (fields, body, status, code) in [
        (&["ce-id: 1"][..], "", 400, "E1441"),
        (&structured, "{", 400, "E1441"),
        (&["content-type: application/cloudevents+protobuf"], "", 415, "E1443"),
    ] {
        let reply = post(&node, Some(&token), fields, body);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{fields:?}");
    }
    let large = "x".repeat((1 << 20) + 1);
    let reply = post(&node, Some(&token), &structured, &large);
    assert_eq!((reply.status, reply.code().as_str()), (413, "E1442"));
    let reply = send(&node, "GET", PATH, Some(&token), &[], "");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST, OPTIONS")));
}

#[test]
fn an_event_is_taken_once_over_a_restart_and_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    deploy(&node, &on("name = \"paid\""));
    node.ok(&["grant", "trigger:paid", "invoke", "f"]);
    let token = publisher(&node);
    let mut ran = 0;
    for round in 0..4u32 {
        let id = round.to_string();
        assert_eq!(counts(&binary(&node, &token, &id, "x")), (1, 0));
        ran += 1;
        if round % 2 == 0 {
            node.kill();
        } else {
            assert_eq!(node.stop(), Some(0));
        }
        node = Node::start_on(&home, &[]);
        for old in 0..=round {
            assert_eq!(counts(&binary(&node, &token, &old.to_string(), "x")), (0, 1), "{old}");
        }
        assert_eq!(done(&node).len(), ran, "what was accepted ran, and once");
    }
}

#[test]
fn nobody_else_can_set_attributes_and_no_function_has_such_a_path() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("node.toml");
    std::fs::write(&file, "[events]\norigins = [\"emitter.example\"]\nwindow = \"1h\"\n")
        .expect("written");
    let node = Node::start_with(&["--config", file.to_str().expect("text")]);
    let all = "http = [{ route = \"* /{*all}\", auth = \"public\" }]";
    let text = manifest(&format!("{all}\n{}", on("name = \"paid\"")));
    let output = node.deploy_manifest(&text, &[("a.wasm", &example("echo"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node.ok(&["grant", "public", "invoke", "f"]);
    // A route for all paths does not answer here, and elsewhere it sees no attributes.
    for path in ["/.casemate", "/.casemate/x", "/.casemate/events/shop"] {
        let reply = send(&node, "POST", path, None, &["ce-id: 1"], "x");
        assert_eq!(reply.status, 401, "{path}: {}", reply.text());
    }
    for path in ["/%2ecasemate/events/shop", "/.casemates", "//.casemate/events/shop"] {
        let reply = send(&node, "POST", path, None, &[], "x");
        assert_eq!((reply.status, reply.header("x-saw-path").is_some()), (200, true), "{path}");
    }
    let welcome =
        send(&node, "OPTIONS", PATH, None, &["webhook-request-origin: emitter.example"], "");
    assert_eq!(
        (welcome.status, welcome.header("webhook-allowed-origin")),
        (200, Some("emitter.example"))
    );
    let unknown = send(&node, "OPTIONS", PATH, None, &["webhook-request-origin: evil.example"], "");
    assert_eq!((unknown.status, unknown.code().as_str()), (403, "E1444"));
    for (lines, why) in [
        ("http = [{ route = \"POST /.casemate/events/{name}\" }]", "are the platform's"),
        ("[[function.on]]\nname = \"a\"\ntyp = \"x\"", "did you mean `type`"),
        ("[[function.on]]\nname = \"a\"\nfilter = [{ sql = \"x\" }]", "unknown variant `sql`"),
        (
            "[[function.on]]\nname = \"a\"\nfilter = [{ exact = { Type = \"x\" } }]",
            "`Type` is no attribute",
        ),
        ("[[function.on]]\nname = \"a\"\nas = \"eventbridge\"", "contract = \"lambda\""),
        (
            "[[function.on]]\nname = \"a\"\n[[function.schedule]]\nname = \"a\"\nevery = \"1s\"",
            "declared by `f` and by `f`",
        ),
    ] {
        let output = node.deploy_manifest(&manifest(lines), &[("a.wasm", &example("echo"))]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{lines}: {said}");
    }
    let other =
        manifest(&on("name = \"paid\"")).replace("\"shop\"", "\"other\"").replace("\"f\"", "\"g\"");
    let output = node.deploy_manifest(&other, &[("a.wasm", &example("echo"))]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("E1431"));
}
