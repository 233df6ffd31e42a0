//! Functions that are called at times, through the real binary: granted, denied, missed, paused,
//! killed in between, and what no schedule can be.

use crate::rig::{Node, example};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

fn deploy(node: &Node, schedules: &str) -> String {
    let manifest = format!(
        "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"report\"\nsource = \"a.wasm\"\n{schedules}"
    );
    let output = node.deploy_manifest(&manifest, &[("a.wasm", &example("hello"))]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), !said.contains("error"), "{said}");
    format!("{said}{}", String::from_utf8_lossy(&output.stdout))
}

fn schedule(lines: &str) -> String {
    format!("[[function.schedule]]\n{lines}\n")
}

fn shown(node: &Node, name: &str) -> Value {
    let page = node.json(&["schedule", "list"]);
    let found = page["items"].as_array().expect("a list").iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {page}")).clone()
}

/// Every record of the schedule, once there are so many: the times that they were planned for.
fn planned(node: &Node, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = node.json(&["records", "-n", "1000"]);
        let items = page["items"].as_array().or_else(|| page.as_array()).expect("a list");
        let triggers = items.iter().filter_map(|it| it["trigger"].as_str());
        let found: Vec<String> = triggers
            .filter_map(|it| it.strip_prefix("schedule tick ")?.strip_suffix(", attempt 1"))
            .map(str::to_owned)
            .collect();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "only {found:?} of {count}: {page}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_schedule_runs_when_it_is_granted_and_says_which_grant_is_missing_before() {
    let node = Node::start();
    let said = deploy(&node, &schedule("name = \"tick\"\nevery = \"1s\"\ndata = { month = 11 }"));
    assert!(said.contains("casemate grant trigger:tick invoke report"), "{said}");
    std::thread::sleep(Duration::from_secs(3));
    let before = shown(&node, "tick");
    assert_eq!((&before["state"], &before["invocation"]), (&"not granted".into(), &Value::Null));
    assert_eq!(before["grant"], "casemate grant trigger:tick invoke report");
    node.ok(&["grant", "trigger:tick", "invoke", "report"]);
    let times = planned(&node, 3);
    let once: BTreeSet<&String> = times.iter().collect();
    assert_eq!(once.len(), times.len(), "each time once: {times:?}");
    let records = node.records(1);
    assert_eq!(
        (&records[0]["caller"], &records[0]["outcome"]),
        (&"trigger:tick".into(), &"ok".into())
    );
    let after = shown(&node, "tick");
    assert_eq!((&after["state"], &after["grant"]), (&"waiting".into(), &Value::Null));
    assert!(after["next"].is_string() && after["last"].is_string(), "{after}");

    node.ok(&["schedule", "pause", "tick"]);
    let paused = shown(&node, "tick");
    assert_eq!((&paused["state"], &paused["next"]), (&"paused".into(), &Value::Null));
    let id = node.ok(&["schedule", "run", "tick"]);
    let record = node.record_of(id.trim(), "ok", true);
    assert_eq!(record["caller"], "operator");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(shown(&node, "tick")["last"], paused["last"], "it is paused");
    node.ok(&["schedule", "resume", "tick"]);
    planned(&node, times.len() + 2);

    // Who takes the name later has to be granted it anew.
    deploy(&node, "");
    let grants = node.json(&["grants"]).to_string();
    assert!(!grants.contains("trigger:tick"), "{grants}");
    let (_, said) = node.fails(&["grant", "trigger:tick", "invoke", "report"]);
    assert!(said.contains("E1430"), "{said}");
    let (_, said) = node.fails(&["schedule", "run", "tick"]);
    assert!(said.contains("E1430"), "{said}");
}

#[test]
fn a_kill_neither_loses_a_time_nor_runs_it_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let mut node = Node::start_on(&home, &[]);
    deploy(&node, &schedule("name = \"tick\"\nevery = \"1s\"\nmissed = \"all\""));
    node.ok(&["grant", "trigger:tick", "invoke", "report"]);
    planned(&node, 1);
    for round in 1..=4u64 {
        std::thread::sleep(Duration::from_millis(700 * round));
        node.kill();
        std::thread::sleep(Duration::from_secs(1));
        node = Node::start_on(&home, &[]);
    }
    node.ok(&["schedule", "pause", "tick"]);
    let last = shown(&node, "tick")["invocation"].as_str().expect("an id").to_owned();
    node.record_of(&last, "ok", true);
    // Whatever waits is worked off.
    let deadline = Instant::now() + PATIENCE;
    while node.json(&["queue", "list"])["items"].as_array().is_none_or(|it| !it.is_empty()) {
        assert!(Instant::now() < deadline, "the queue is not worked off");
        std::thread::sleep(Duration::from_millis(100));
    }
    let page = node.json(&["records", "-n", "1000"]);
    let items = page["items"].as_array().or_else(|| page.as_array()).expect("a list");
    // A run that a kill ended is recorded and tried again, under one id.
    let ids: BTreeSet<&str> = items.iter().filter_map(|it| it["id"].as_str()).collect();
    let done: BTreeSet<i64> = items
        .iter()
        .filter(|it| it["outcome"] == "ok")
        .filter_map(|it| it["trigger"].as_str()?.strip_prefix("schedule tick "))
        .filter_map(|it| it.split(',').next()?.parse::<jiff::Timestamp>().ok())
        .map(|it| it.as_second())
        .collect();
    assert_eq!(ids.len(), done.len(), "one invocation for each time");
    let (first, end) = (done.first().expect("some"), done.last().expect("some"));
    let all: BTreeSet<i64> = (*first..=*end).collect();
    assert_eq!(done, all, "no time is lost");
}

#[test]
fn what_no_schedule_can_be_is_refused_and_deploys_nothing() {
    let node = Node::start();
    let two = "name = \"a\"\nevery = \"1s\"\n[[function.schedule]]\nname = \"a\"\nevery = \"2s\"";
    for (lines, why) in [
        ("name = \"a\"\ncron = \"0 2 * *\"", "five or six fields"),
        ("name = \"a\"\ncron = \"0 0 2 * * * *\"", "five or six fields"),
        ("name = \"a\"\ncron = \"0 0 1 1 * * 9999\"", "five or six fields"),
        ("name = \"a\"\ncron = \"61 * * * *\"", "no cron expression"),
        ("name = \"a\"\ncron = \"0 0 30 2 *\"", "never due"),
        ("name = \"a\"\ncron = \"0 2 * * *\"\nzone = \"Mars/Olympus\"", "no time zone"),
        ("name = \"a\"\nevery = \"0s\"", "must be 1s to 366d"),
        ("name = \"a\"", "either `cron` or `every`"),
        (two, "declared by `report` and by `report`"),
        ("name = \"A\"\nevery = \"1s\"", "no trigger name"),
        ("name = \"a\"\nevery = \"1s\"\nmised = \"all\"", "did you mean `missed`"),
    ] {
        let manifest = format!(
            "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"report\"\nsource = \"a.wasm\"\n{}",
            schedule(lines)
        );
        let output = node.deploy_manifest(&manifest, &[("a.wasm", &example("hello"))]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{lines}: {said}");
    }
    assert_eq!(node.json(&["functions"])["items"].as_array().map(Vec::len), Some(0));
    deploy(&node, &schedule("name = \"nightly\"\ncron = \"0 2 * * *\"\nzone = \"Europe/Berlin\""));
    let other = "manifest = 1\napplication = \"other\"\n[[function]]\nname = \"other\"\nsource = \"a.wasm\"\n[[function.schedule]]\nname = \"nightly\"\nevery = \"1s\"\n";
    let output = node.deploy_manifest(other, &[("a.wasm", &example("hello"))]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("E1431"));
    let next = shown(&node, "nightly")["next"].as_str().expect("a time").to_owned();
    assert!(next.ends_with("T00:00:00.000Z") || next.ends_with("T01:00:00.000Z"), "{next}");
}
