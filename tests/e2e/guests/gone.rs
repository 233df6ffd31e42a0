//! Callers that go away, and guests that compute for ever beside others.

use super::{Ward, number};
use crate::line::Line;
use crate::rig::PATIENCE;
use serde_json::Value;
use std::time::{Duration, Instant};

fn send(ward: &Ward, path: &str) -> Line {
    let mut line = Line::open(ward.node.gateway).expect("connects");
    line.send("GET", path, &ward.token, "").expect("sent");
    line
}

fn interrupted(ward: &Ward) -> Vec<Value> {
    let page = ward.node.json(&["records", "-n", "1000", "--outcome", "interrupted"]);
    page["items"].as_array().expect("a list").clone()
}

/// Waits until there are so many interrupted invocations, for a while.
fn wait_for(ward: &Ward, count: usize, patience: Duration) -> Option<Vec<Value>> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        let found = interrupted(ward);
        if found.len() >= count {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// Calls, and goes away while the guest works. A call that was not taken up in time leaves
/// nothing; then it is tried again, with more time.
fn go_away(ward: &Ward, path: &str) -> Value {
    let before = interrupted(ward).len();
    for wait_ms in [200, 1000, 4000] {
        let line = send(ward, path);
        std::thread::sleep(Duration::from_millis(wait_ms));
        drop(line);
        if let Some(found) = wait_for(ward, before + 1, Duration::from_secs(10)) {
            return found[0].clone();
        }
    }
    panic!("{path}: nobody noticed that the caller went away");
}

#[test]
fn a_caller_that_goes_away_stops_its_guest() {
    let ward = Ward::open();
    for path in ["/long/hang", "/long/loop", "/long/loop-in-host"] {
        let record = go_away(&ward, path);
        assert_eq!(number(&record, "status"), 0, "{path}: nobody saw an answer: {record}");
        assert_eq!(record["reason"], "the caller went away", "{path}");
        assert_eq!(record["code"], Value::Null, "{path}: nobody was told anything");
        assert!(number(&record, "cpu_us") < 50_000_000, "{path}: long before its limit");
        ward.is_well(path);
    }
    // In the middle of an answer, too.
    let before = interrupted(&ward).len();
    let mut line = send(&ward, "/long/stream-forever");
    assert_eq!(line.head().expect("a head").status, 200);
    line.chunk().expect("a chunk");
    drop(line);
    let record = &wait_for(&ward, before + 1, PATIENCE).expect("it is noticed")[0];
    assert_eq!(number(record, "status"), 200, "{record}");
    assert!(number(record, "bytes_out") > 0, "{record}");
}

/// Clock ticks of CPU time that the node has used.
fn ticks(ward: &Ward) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", ward.node.pid())).expect("stat");
    let rest = stat.rsplit_once(") ").expect("a name").1;
    let fields: Vec<&str> = rest.split(' ').collect();
    [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("a number")).sum()
}

#[test]
fn a_guest_waits_for_a_client_that_does_not_read() {
    let ward = Ward::open();
    let mut line = send(&ward, "/long/stream-forever");
    let head = line.head().expect("a head");
    // It fills what lies between it and the client, and then the node is at rest.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let before = ticks(&ward);
        std::thread::sleep(Duration::from_millis(500));
        if ticks(&ward) <= before + 5 {
            break;
        }
        assert!(Instant::now() < deadline, "it goes on");
    }
    drop(line);
    let record = ward.node.ended(&head);
    assert_eq!(record["outcome"], "interrupted");
    assert!(number(&record, "bytes_out") < 64 << 20, "{record}");
    assert!(number(&record, "memory_peak_bytes") < 8 << 20, "{record}");
}

#[test]
fn loopers_do_not_stop_others() {
    let ward = Ward::open();
    let loopers: Vec<Line> = (0..4).map(|_| send(&ward, "/long/loop")).collect();
    for call in 0..30 {
        ward.is_well(&format!("call {call}"));
    }
    assert_eq!(ward.node.records(30).len(), 30, "none of the loopers has ended");
    drop(loopers);
    let found = wait_for(&ward, 4, PATIENCE).expect("all are stopped");
    assert!(found.iter().all(|record| number(record, "cpu_us") > 0), "each had its turns");
}

#[test]
fn a_full_function_answers_at_once_and_takes_the_next_when_it_can() {
    let node = crate::rig::Node::start();
    let manifest = "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"one\"\n\
        source = \"m.wasm\"\nconcurrency = 1\nqueue_wait = \"100ms\"\ntimeout = \"60s\"\n\
        response_body = \"1GiB\"\n[[function.http]]\nroute = \"* /one/{*rest}\"\n";
    let deployed = node.deploy_manifest(manifest, &[("m.wasm", &crate::rig::guest("misbehave"))]);
    assert!(deployed.status.success(), "{deployed:?}");
    let token = |name| node.ok(&["token", "create", name, "--invoke", "one"]).trim().to_owned();
    let (first, second) = (token("first"), token("second"));
    let mut line = Line::open(node.gateway).expect("connects");
    line.send("GET", "/one/stream-forever", &first, "").expect("sent");
    let head = line.head().expect("a head");
    for (token, code) in [(&first, "E0709"), (&second, "E0708")] {
        let reply = node.get("/one/state", Some(token));
        assert_eq!((reply.status, reply.code().as_str()), (429, code), "{}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(reply.header("casemate-invocation"), None, "there is no record to look at");
    }
    drop(line);
    assert_eq!(node.ended(&head)["outcome"], "interrupted");
    assert_eq!(node.get("/one/state", Some(&second)).text(), "1");
}
