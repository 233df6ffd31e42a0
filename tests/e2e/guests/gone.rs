//! Callers that go away, and guests that compute for ever beside others.

use super::{Ward, number};
use crate::line::Line;
use crate::rig::PATIENCE;
use std::time::{Duration, Instant};

/// Calls `path` and goes on once the invocation runs; gives its id.
fn begin(ward: &Ward, path: &str) -> (Line, String) {
    let known: Vec<String> = ids(ward, "running");
    let mut line = Line::open(ward.node.gateway).expect("connects");
    line.send("GET", path, &ward.token, "").expect("sent");
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(new) = ids(ward, "running").into_iter().find(|id| !known.contains(id)) {
            return (line, new);
        }
        assert!(Instant::now() < deadline, "{path} does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The invocations with this outcome.
fn ids(ward: &Ward, outcome: &str) -> Vec<String> {
    let page = ward.node.json(&["records", "-n", "1000"]);
    let items = page["items"].as_array().expect("a list").iter();
    let items = items.filter(|record| record["outcome"] == outcome);
    items.map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_caller_that_goes_away_stops_its_guest() {
    let ward = Ward::open();
    for path in ["/long/hang", "/long/loop", "/long/loop-in-host"] {
        let (line, id) = begin(&ward, path);
        assert_eq!(ward.node.json(&["record", &id])["outcome"], "running", "{path}");
        drop(line);
        let record = ward.node.record_of(&id, "interrupted", true);
        assert_eq!(number(&record, "status"), 0, "{path}: nobody saw an answer: {record}");
        assert_eq!(record["reason"], "the caller went away", "{path}");
        assert!(number(&record, "cpu_us") < 60_000_000, "{path}: long before its limit");
        ward.is_well(path);
    }
    // In the middle of an answer, too.
    let (mut line, id) = begin(&ward, "/long/stream-forever");
    let head = line.head().expect("a head");
    assert_eq!(head.status, 200);
    line.chunk().expect("a chunk");
    drop(line);
    let record = ward.node.record_of(&id, "interrupted", true);
    assert_eq!(number(&record, "status"), 200, "{record}");
    assert!(number(&record, "bytes_out") > 0, "{record}");
}

#[test]
fn a_guest_waits_for_a_client_that_does_not_read() {
    let ward = Ward::open();
    let (mut line, id) = begin(&ward, "/long/stream-forever");
    line.head().expect("a head");
    // It has filled what lies between, and computes no more: else its memory or the node's would
    // grow. The number that it has sent stands still.
    let sent = || number(&ward.node.json(&["record", &id]), "bytes_out");
    let mut before = sent();
    let deadline = Instant::now() + PATIENCE;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = sent();
        if now == before {
            break;
        }
        before = now;
        assert!(Instant::now() < deadline, "it goes on to {now}");
    }
    drop(line);
    let record = ward.node.record_of(&id, "interrupted", true);
    assert!(number(&record, "bytes_out") < 64 << 20, "{record}");
    assert!(number(&record, "memory_peak_bytes") < 8 << 20, "{record}");
}

#[test]
fn loopers_do_not_stop_others() {
    let ward = Ward::open();
    let loopers: Vec<(Line, String)> = (0..4).map(|_| begin(&ward, "/long/loop")).collect();
    for call in 0..30 {
        ward.is_well(&format!("call {call}"));
    }
    for (_, id) in &loopers {
        let record = ward.node.json(&["record", id]);
        assert_eq!(record["outcome"], "running", "they all ran beside: {record}");
    }
    let ids: Vec<String> = loopers.iter().map(|(_, id)| id.clone()).collect();
    drop(loopers);
    for id in ids {
        let record = ward.node.record_of(&id, "interrupted", true);
        assert!(number(&record, "cpu_us") > 0, "each had its turns: {record}");
    }
}
