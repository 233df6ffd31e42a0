//! How a node stops: what it accepted is finished, nothing new is taken, and a second signal ends
//! it at once.

use crate::line::Line;
use crate::rig::{Node, PATIENCE, casemate, guest};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Clients that have sent a request when the signal comes and have read nothing.
const SENT: usize = 20;

/// A node with a configuration file of one line.
fn node_with(config: &str) -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.conf");
    std::fs::write(&file, config).expect("written");
    (Node::start_with(&["--config", file.to_str().expect("text")]), dir)
}

/// Waits until the node listens no more: the drain has begun.
fn wait_until_refused(node: &Node) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(node.gateway).is_ok() {
        assert!(Instant::now() < deadline, "new connections are still accepted");
        sleep(Duration::from_millis(10));
    }
}

/// Begins an answer that goes on until somebody ends it.
fn endless(node: &Node, token: &str) -> (Line, String) {
    let mut line = Line::open(node.gateway).expect("it listens");
    line.send("GET", "/m/slow-stream?n=1000000&ms=20", token, "").expect("sent");
    let head = line.head().expect("an answer begins");
    assert_eq!(head.status, 200);
    line.chunk().expect("a first piece").expect("a first piece");
    (line, head.header("casemate-invocation").expect("an id").to_owned())
}

/// Reads to where a stream was cut, which must not look like its end.
fn assert_cut(line: &mut Line) {
    while let Ok(chunk) = line.chunk() {
        assert!(chunk.is_some(), "the stream looks whole");
    }
}

/// How an invocation ended, as a new node on the old home says.
fn outcome(node: &Node, id: &str) -> String {
    node.json(&["record", id])["outcome"].as_str().expect("an outcome").to_owned()
}

/// Why an invocation was interrupted, as a new node on the old home says.
fn interrupted_by(node: &Node, id: &str) -> String {
    let record = Node::start_on(node.home(), &[]).json(&["record", id]);
    assert_eq!(record["outcome"], "interrupted");
    record["reason"].as_str().expect("a reason").to_owned()
}

fn drains_on(signal: &str) {
    let mut node = Node::start();
    let token = node.deploy(&guest("misbehave"), "m");
    let mut idle = Line::open(node.gateway).expect("it listens");
    assert_eq!(idle.ask("GET", "/m/state", &token, "").expect("an answer").status, 200);
    let mut stream = Line::open(node.gateway).expect("it listens");
    stream.send("GET", "/m/slow-stream?n=10&ms=100", &token, "").expect("sent");
    let head = stream.head().expect("an answer begins");
    let mut sent: Vec<Line> = (0..SENT)
        .map(|_| {
            let mut line = Line::open(node.gateway).expect("it listens");
            line.send("GET", "/m/sleep?ms=300", &token, "").expect("sent");
            line
        })
        .collect();
    node.signal(signal);
    wait_until_refused(&node);
    let stream = stream.rest(head).expect("the whole stream");
    assert!(stream.text().ends_with("chunk 9\n"), "{}", stream.text());
    let mut ids = vec![stream.header("casemate-invocation").expect("an id").to_owned()];
    for line in &mut sent {
        let head = line.head().expect("an answer");
        let reply = line.rest(head).expect("a whole answer");
        assert_eq!((reply.status, reply.text().as_str()), (200, "slept 300 ms\n"));
        assert!(line.is_closed(), "the connection stays open");
        ids.push(reply.header("casemate-invocation").expect("an id").to_owned());
    }
    assert!(idle.is_closed(), "an idle connection stays open");
    assert_eq!(node.wait(), Some(0));
    assert!(!node.home().join("node.json").exists());
    let (_, said) = node.fails(&["functions"]);
    assert!(said.contains("E0606") && said.contains("hint: "), "{said}");
    let again = Node::start_on(node.home(), &[]);
    for id in &ids {
        assert_eq!(outcome(&again, id), "ok");
    }
}

#[test]
fn sigterm_finishes_what_was_accepted_and_takes_nothing_new() {
    drains_on("TERM");
}

#[test]
fn ctrl_c_finishes_what_was_accepted_and_takes_nothing_new() {
    drains_on("INT");
}

#[test]
fn a_second_signal_ends_the_drain() {
    let (mut node, _dir) = node_with("drain = \"1h\"\n");
    let token = node.deploy(&guest("misbehave"), "m");
    let (mut line, id) = endless(&node, &token);
    node.signal("INT");
    wait_until_refused(&node);
    line.chunk().expect("the stream goes on").expect("the stream goes on");
    node.signal("TERM");
    assert_eq!(node.wait(), Some(143), "as a shell says SIGTERM");
    assert_cut(&mut line);
    assert!(!node.home().join("node.json").exists());
    let reason = interrupted_by(&node, &id);
    assert!(reason.contains("told a second time to stop"), "{reason}");
}

#[test]
fn the_grace_ends_requests_that_never_end() {
    let (mut node, _dir) = node_with("drain = \"1s\"\n");
    let token = node.deploy(&guest("misbehave"), "m");
    let (mut line, id) = endless(&node, &token);
    node.signal("TERM");
    assert_eq!(node.wait(), Some(0));
    assert_cut(&mut line);
    let reason = interrupted_by(&node, &id);
    assert!(reason.contains("`drain` was over"), "{reason}");
}

#[test]
fn a_guest_that_computes_without_end_does_not_hold_up_the_end() {
    let (mut node, _dir) = node_with("drain = \"1s\"\n");
    let token = node.deploy(&guest("misbehave"), "m");
    let mut line = Line::open(node.gateway).expect("it listens");
    line.send("GET", "/m/loop", &token, "").expect("sent");
    node.signal("TERM");
    assert_eq!(node.wait(), Some(0));
}

#[test]
fn a_deployment_under_way_is_finished() {
    // Compiling it can take longer than the usual grace on a busy machine.
    let (mut node, _dir) = node_with("drain = \"10m\"\n");
    let component = guest("python");
    let mut deploy = casemate()
        .args(["--home", node.home().to_str().expect("text")])
        .args(["deploy", component.to_str().expect("text"), "--name", "late"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    wait_until_compiling(&node);
    node.signal("TERM");
    let mut said = String::new();
    deploy.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(deploy.wait().expect("ends").success(), "{said}");
    assert_eq!(node.wait(), Some(0));
    let again = Node::start_on(node.home(), &[]);
    assert_eq!(again.json(&["functions"])["items"][0]["name"], "late");
}

/// Waits until the compiler child runs.
fn wait_until_compiling(node: &Node) {
    let deadline = Instant::now() + PATIENCE;
    let parent = format!("PPid:\t{}\n", node.pid());
    let compiles = |process: &Path| {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        status.contains(&parent) && String::from_utf8_lossy(&line).contains("__compile")
    };
    loop {
        let mut processes = std::fs::read_dir("/proc").expect("readable");
        if processes.any(|process| process.is_ok_and(|process| compiles(&process.path()))) {
            return;
        }
        assert!(Instant::now() < deadline, "nothing is compiled");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_follows_the_logs_is_told_that_the_node_ends() {
    let mut node = Node::start();
    let token = node.deploy(&guest("misbehave"), "m");
    let mut follower = casemate()
        .args(["--home", node.home().to_str().expect("text"), "--format", "json", "logs", "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped"));
    let mut line = String::new();
    assert_eq!(node.get("/m/log", Some(&token)).status, 200);
    lines.read_line(&mut line).expect("a line");
    let first: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(first["function"], "m");
    // What was printed before it followed is listed; only what comes later shows that it follows.
    assert_eq!(node.get("/m/log", Some(&token)).status, 200);
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended before the node");
        let next: Value = serde_json::from_str(&line).expect("JSON");
        if next["invocation"] != first["invocation"] {
            break;
        }
    }
    assert_eq!(node.stop(), Some(0));
    assert_eq!(follower.wait().expect("ends").code(), Some(0));
    let mut said = String::new();
    follower.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(said.contains("ended the stream"), "{said}");
}
