//! Asynchronous calls through the real binary: accepted, run, retried, given up, and not lost.

use crate::rig::{Node, example, guest, raw, repository};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The waits between attempts are 2 and 8 s at most; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks at a call until it has this outcome and is out of the queue.
fn until(node: &Node, id: &str, outcome: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let record = node.json(&["record", id]);
        if record["outcome"] == outcome {
            return record;
        }
        assert!(Instant::now() < deadline, "{id} is {record}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn submit(node: &Node, name: &str, more: &[&str]) -> String {
    let accepted = node.json(&[&["invoke", name, "--async"], more].concat());
    accepted["invocation"].as_str().expect("an id").to_owned()
}

#[test]
fn a_call_that_was_accepted_runs_and_its_record_says_how_it_ended() {
    let node = Node::start();
    node.deploy(&example("hello"), "hello");
    let id = submit(&node, "hello", &["--path", "/hello/x"]);
    let record = until(&node, &id, "ok");
    assert_eq!(
        (record["caller"].as_str(), record["status"].as_u64()),
        (Some("operator"), Some(200))
    );
    assert!(record["trigger"].as_str().is_some_and(|it| it.starts_with("queue invoke GET")));
    let printed = node.ok(&["invoke", "hello", "--async"]);
    until(&node, printed.trim(), "ok");
}

#[test]
fn a_preference_over_http_is_honoured_where_it_is_granted_and_ignored_elsewhere() {
    let node = Node::start();
    let token = node.deploy(&example("hello"), "hello");
    let ask = || {
        let head = format!(
            "GET /hello/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             prefer: respond-async\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        raw(node.gateway, head.as_bytes())
    };
    let now = ask();
    assert_eq!((now.status, now.header("preference-applied")), (200, None));
    node.ok(&["grant", "token:t-hello", "invoke-async", "hello"]);
    let later = ask();
    assert_eq!((later.status, later.header("preference-applied")), (202, Some("respond-async")));
    let accepted: Value = serde_json::from_slice(&later.body).expect("JSON");
    let record = until(&node, accepted["invocation"].as_str().expect("an id"), "ok");
    assert_eq!(record["caller"], "token:t-hello");
    let (_, said) = node.fails(&["grant", "public", "invoke-async", "hello"]);
    assert!(said.contains("cannot be granted"), "{said}");
}

#[test]
fn what_always_fails_is_given_up_listed_tried_again_and_removed() {
    let node = Node::start();
    node.deploy(&guest("misbehave"), "misbehave");
    let id = submit(&node, "misbehave", &["--path", "/misbehave/trap-secret"]);
    let record = until(&node, &id, "trapped");
    assert!(record["trigger"].as_str().is_some_and(|it| it.ends_with("attempt 3")), "{record}");
    let dead = node.json(&["queue", "list", "--dead"]);
    assert_eq!(
        (&dead["items"][0]["invocation"], &dead["items"][0]["attempts"]),
        (&id.as_str().into(), &3.into())
    );
    let peeked = node.json(&["queue", "peek", &id]);
    assert_eq!(
        (&peeked["target"], &peeked["caller"]),
        (&"/misbehave/trap-secret".into(), &"operator".into())
    );
    let shown = node.ok(&["ledger", "show"]);
    assert!(shown.contains(&format!("queue peek {id}, a call of misbehave")), "{shown}");
    node.ok(&["queue", "retry", &id]);
    assert_ne!(node.json(&["queue", "list"])["items"][0]["state"], "dead");
    until(&node, &id, "trapped");
    assert_eq!(node.ok(&["queue", "redrive", "misbehave"]).trim(), "1 are tried again");
    assert_eq!(node.ok(&["queue", "redrive", "--all"]).trim(), "0 are tried again");
    until(&node, &id, "trapped");
    assert_eq!(node.ok(&["queue", "purge", "misbehave"]).trim(), "removed 1");
    assert_eq!(node.json(&["queue", "list"])["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_was_accepted_survives_a_kill_and_travels_in_a_backup() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    // Without workers, so that all of it waits.
    let config = dir.path().join("casemate.toml");
    std::fs::write(&config, "[queue]\nworkers = 0\n").expect("a file");
    let arguments = ["--config", config.to_str().expect("text")];
    let node = Node::start_on(&home, &arguments);
    node.deploy(&example("hello"), "hello");
    let ids: Vec<String> = (0..20).map(|_| submit(&node, "hello", &[])).collect();
    assert_eq!(node.json(&["record", &ids[0]])["outcome"], "queued");
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text"), "--include-root-key"]);
    node.kill();
    let node = Node::start_on(&home, &[]);
    ids.iter().for_each(|id| drop(until(&node, id, "ok")));
    drop(node);
    let restored = dir.path().join("restored");
    let restore = crate::rig::casemate()
        .args(["--home", restored.to_str().expect("text"), "restore"])
        .arg(&backup)
        .current_dir(repository())
        .output()
        .expect("the binary runs");
    assert!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let node = Node::start_on(&restored, &[]);
    ids.iter().for_each(|id| drop(until(&node, id, "ok")));
}
