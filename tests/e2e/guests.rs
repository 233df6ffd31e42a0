//! Guests that misbehave in every way, and guests that others' tools made.
//!
//! Invariant: whatever a guest does, the next call is answered by a fresh instance.

mod bodies;
mod foreign;
mod gone;
mod logs;
mod world;

use crate::rig::{Node, Reply, guest};
use serde_json::Value;

/// One component as several functions with limits of their own. `m` has little CPU time and much
/// time, so that a loaded machine makes no difference to how its calls end.
const MANIFEST: &str = r#"
manifest = 1
application = "guests"

[[function]]
name = "m"
source = "misbehave.wasm"
timeout = "60s"
cpu = "300ms"
[[function.http]]
route = "* /m/{*rest}"

[[function]]
name = "short"
source = "misbehave.wasm"
timeout = "500ms"
[[function.http]]
route = "* /short/{*rest}"

[[function]]
name = "tight"
source = "misbehave.wasm"
timeout = "60s"
memory = "8MiB"
response_body = "1MiB"
log = "8KiB"
[[function.http]]
route = "* /tight/{*rest}"

[[function]]
name = "long"
source = "misbehave.wasm"
timeout = "60s"
cpu = "60s"
response_body = "1GiB"
[[function.http]]
route = "* /long/{*rest}"
"#;

/// What no stranger may read: the guests' sources have it.
const SECRET: &str = "sk_live_SECRET0123456789";

/// A node with all of them, and a token for them.
struct Ward {
    node: Node,
    token: String,
}

impl Ward {
    fn open() -> Self {
        let node = Node::start();
        let deployed = node.deploy_manifest(MANIFEST, &[("misbehave.wasm", &guest("misbehave"))]);
        assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
        let all = ["token", "create", "t", "--invoke", "m", "short", "tight", "long"];
        let token = node.ok(&all).trim().to_owned();
        Self { node, token }
    }

    fn get(&self, path: &str) -> Reply {
        self.node.get(path, Some(&self.token))
    }

    /// Calls, and waits for the record.
    fn call(&self, path: &str) -> (Reply, Value) {
        let reply = self.get(path);
        let record = self.node.ended(&reply);
        (reply, record)
    }

    /// Every instance counts its calls: this is the first of its one.
    fn is_well(&self, after: &str) {
        let reply = self.get("/m/state");
        assert_eq!((reply.status, reply.text().as_str()), (200, "1"), "after {after}");
    }
}

fn number(record: &Value, key: &str) -> u64 {
    record[key].as_u64().unwrap_or_else(|| panic!("{key} in {record}"))
}

/// What a stranger may see of a failure.
fn check_document(path: &str, reply: &Reply, code: &str) {
    assert_eq!(reply.code(), code, "{path}: {reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
    let Ok(Value::Object(members)) = serde_json::from_slice(&reply.body) else {
        panic!("{path}: {}", reply.text())
    };
    for name in members.keys() {
        assert!(
            ["type", "title", "status", "code", "invocation"].contains(&name.as_str()),
            "{path}: `{name}` in {}",
            reply.text()
        );
    }
}

/// Path, status, code and outcome of every way that ends without an answer of the guest's.
const FAILURES: &[(&str, u16, &str, &str)] = &[
    ("/m/loop", 504, "E0402", "cpu"),
    ("/m/loop-in-host", 504, "E0402", "cpu"),
    ("/m/alloc", 507, "E0404", "memory"),
    ("/tight/alloc", 507, "E0404", "memory"),
    ("/m/recurse", 502, "E0401", "trapped"),
    ("/m/recurse-memory", 502, "E0401", "trapped"),
    ("/m/handles", 502, "E0411", "guest_error"),
    ("/m/pollables", 502, "E0411", "guest_error"),
    ("/m/random-huge", 502, "E0411", "guest_error"),
    ("/m/write-unpermitted", 502, "E0411", "guest_error"),
    ("/short/hang", 504, "E0403", "timeout"),
    ("/m/never", 502, "E0405", "guest_error"),
    ("/m/exit", 502, "E0405", "guest_error"),
    ("/m/exit?ok=1", 502, "E0405", "guest_error"),
    ("/m/trap-secret", 502, "E0401", "trapped"),
    ("/m/error-code", 502, "E0410", "guest_error"),
    ("/m/status?code=101", 502, "E0406", "guest_error"),
    ("/m/status?code=600", 502, "E0406", "guest_error"),
    ("/m/headers-endless", 502, "E0411", "guest_error"),
    ("/m/headers-many", 502, "E0406", "guest_error"),
    ("/m/headers-forbidden", 502, "E0406", "guest_error"),
    ("/m/short-body", 502, "E0406", "guest_error"),
    ("/m/long-body", 502, "E0406", "guest_error"),
    ("/m/body-aborted", 502, "E0406", "guest_error"),
];

#[test]
fn each_way_to_fail_has_its_code_and_its_outcome_and_harms_nobody() {
    let ward = Ward::open();
    for (path, status, code, outcome) in FAILURES {
        let (reply, record) = ward.call(path);
        assert_eq!(reply.status, *status, "{path}: {}", reply.text());
        check_document(path, &reply, code);
        assert_eq!(record["outcome"], *outcome, "{path}: {record}");
        assert_eq!(record["code"], *code, "{path}: {record}");
        assert_eq!(number(&record, "status"), u64::from(*status), "{path}: what the caller saw");
        assert!(record["reason"].as_str().is_some_and(|why| !why.is_empty()), "{path}: {record}");
        ward.is_well(path);
    }
    let records = ward.node.records(FAILURES.len() * 2);
    assert_eq!(records.len(), FAILURES.len() * 2, "one record for each call");
}

#[test]
fn the_reason_begins_with_the_cause() {
    let ward = Ward::open();
    for (path, cause) in [
        ("/m/recurse", "wasm trap: call stack exhausted"),
        ("/m/loop", "the CPU time is used up"),
        ("/tight/alloc", "more memory than the limit of 8388608 bytes was refused"),
        ("/short/hang", "no answer, or silence, for 500 ms"),
        ("/m/headers-forbidden", "the header field `connection` is the platform's"),
        ("/m/headers-many", "201 header fields; the limit is 100"),
        ("/m/never", "the function gave no answer"),
    ] {
        let (_, record) = ward.call(path);
        let reason = record["reason"].as_str().expect("a reason");
        assert!(reason.starts_with(cause), "{path}: {reason}");
    }
}

#[test]
fn a_record_measures_what_was_used() {
    let ward = Ward::open();
    let (_, looped) = ward.call("/m/loop");
    assert!(number(&looped, "cpu_us") >= 300_000, "{looped}");
    // The thread's clock: a guest that waits uses none of it.
    let (_, slept) = ward.call("/m/sleep?ms=400");
    assert!(number(&slept, "cpu_us") < 300_000, "{slept}");
    let wall_us =
        slept["end_us"].as_i64().expect("an end") - slept["start_us"].as_i64().expect("a start");
    assert!(wall_us >= 400_000, "{slept}");

    let (reply, took) = ward.call("/m/alloc-bytes?bytes=50000000");
    assert_eq!(reply.text(), "took 50000000 bytes\n");
    let peak = number(&took, "memory_peak_bytes");
    assert!((50_000_000..=128 << 20).contains(&peak), "{took}");
    let (_, all) = ward.call("/tight/alloc");
    let peak = number(&all, "memory_peak_bytes");
    assert!((4 << 20..=8 << 20).contains(&peak), "{all}");
    // A guest may live with being refused: then it is its own answer.
    let (reply, _) = ward.call("/tight/alloc-bytes?bytes=50000000");
    assert_eq!((reply.status, reply.text().as_str()), (507, "the memory was refused\n"));

    let (_, big) = ward.call("/m/big?bytes=300000");
    assert_eq!(number(&big, "bytes_out"), 300_000);
    let body = vec![b'x'; 100_000];
    let reply =
        crate::rig::request(ward.node.gateway, "POST", "/m/read-all", Some(&ward.token), &body);
    assert_eq!(reply.text(), "read 100000 bytes until the end\n");
    assert_eq!(number(&ward.node.ended(&reply), "bytes_in"), 100_000);
    assert!(number(&big["cost"], "milliunits") > 0, "{big}");
}

#[test]
fn a_secret_in_a_failure_stays_with_the_operator() {
    let ward = Ward::open();
    for path in ["/m/trap-secret", "/m/error-code", "/m/trap-mid-body", "/m/after-trap"] {
        let (reply, record) = ward.call(path);
        let seen = format!("{}{}", reply.head, reply.text());
        assert!(!seen.contains("sk_live") && !seen.contains("payment"), "{path}: {seen}");
        assert!(!seen.contains("wasm"), "{path}: no backtrace: {seen}");
        let id = record["id"].as_str().expect("an id");
        let inside = format!("{record}{:?}", ward.node.lines_of(id));
        assert!(inside.contains(SECRET), "{path}: {inside}");
        let shown = ward.node.ok(&["logs", "--invocation", id]);
        assert!(shown.contains(SECRET), "{path}: {shown}");
    }
    assert!(!ward.node.said().contains("sk_live"), "{}", ward.node.said());
    // The operator who calls is told at once.
    let (code, said) = ward.node.fails(&["invoke", "m", "--path", "/error-code"]);
    assert!(code == 1 && said.contains("E0410") && said.contains(SECRET), "{said}");
    assert!(said.contains("casemate record "), "{said}");
}

#[test]
fn headers_cannot_be_split_and_answers_cannot_be_given_twice() {
    let ward = Ward::open();
    let (reply, _) = ward.call("/m/headers-split");
    assert_eq!(reply.status, 200);
    assert!(!reply.head.to_ascii_lowercase().contains("x-injected"), "{}", reply.head);
    assert!(!reply.head.contains("<script>"), "{}", reply.head);
    for line in reply.text().lines().filter(|line| !line.contains("x-high")) {
        assert!(line.starts_with("refused"), "{line}");
    }
    let (reply, record) = ward.call("/m/twice");
    assert_eq!((reply.status, reply.text().as_str()), (200, "first\n"));
    assert_eq!(
        (record["outcome"].as_str(), record["code"].as_str()),
        (Some("trapped"), Some("E0401"))
    );
    let id = record["id"].as_str().expect("an id");
    assert!(!format!("{:?}", ward.node.lines_of(id)).contains("was taken"));
    // Exactly one head: nothing of a second answer follows the first.
    let request = format!(
        "GET /m/twice HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        ward.token
    );
    let bytes = crate::rig::exchange(ward.node.gateway, request.as_bytes());
    assert_eq!(String::from_utf8_lossy(&bytes).matches("HTTP/1.1").count(), 1);
    // What may be set is sent as it was set.
    let (reply, _) = ward.call("/m/headers-many?n=50");
    assert_eq!((reply.status, reply.header("x-many-49")), (200, Some("v")));
}
