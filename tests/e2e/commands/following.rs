//! Commands that go on, and readers that go away.

use super::{busy, stderr, stdout};
use crate::rig::{Node, PATIENCE, casemate};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

struct Follower {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    fn start(node: &Node, more: &[&str]) -> Self {
        let mut child = casemate()
            .arg("--home")
            .arg(node.home())
            .args(["logs", "-f"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// The next line; blocks until there is one.
    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("readable");
        line
    }

    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waitable") {
                break status;
            }
            assert!(Instant::now() < deadline, "it goes on");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        (status.code(), said)
    }

    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill").args(["-s", "INT", &pid]).status().expect("kill runs").success()
        );
    }
}

#[test]
fn logs_are_followed_as_they_come() {
    let mut node = busy();
    let log = |line: &str| node.ok(&["invoke", "m", "-p", &format!("/log?line={line}")]);
    log("before");
    let mut all = Follower::start(&node, &["--format", "json"]);
    let texts = |follower: &mut Follower, count: usize| -> Vec<String> {
        let lines = (0..count).map(|_| follower.next());
        let lines =
            lines.map(|line| serde_json::from_str::<Value>(&line).expect("one document per line"));
        let mut texts: Vec<String> =
            lines.map(|line| line["text"].as_str().expect("text").to_owned()).collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(&mut all, 3), ["before", "before, to standard error", "no end"]);
    let mut errors = Follower::start(&node, &["-n", "0", "--function", "m", "--level", "error"]);
    log("after");
    assert_eq!(texts(&mut all, 3), ["after", "after, to standard error", "no end"]);
    // The second follower began at some time before or after that line.
    log("last");
    let mut line = errors.next();
    if line.contains("after") {
        line = errors.next();
    }
    assert!(
        line.contains(" error ") && line.trim_end().ends_with("last, to standard error"),
        "{line}"
    );
    errors.interrupt();
    assert_eq!(errors.end(), (Some(0), String::new()), "Ctrl-C is the ordinary end");
    assert_eq!(node.stop(), Some(0), "a follower does not hold the node up");
    let (exit, said) = all.end();
    assert!(exit == Some(0) && said.contains("the node ended the stream"), "{exit:?} {said}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let node = busy();
    for arguments in [
        &["explain"][..],
        &["schema"],
        &["functions"],
        &["records"],
        &["completions", "bash"],
        &["--help"],
        &["invoke", "m", "-p", "/big?bytes=1000000"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = casemate()
            .arg("--home")
            .arg(node.home())
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("runs");
        assert_eq!(
            (output.status.code(), stderr(&output).as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
    let mut follower = Follower::start(&node, &[]);
    node.ok(&["invoke", "m", "-p", "/log?line=one"]);
    follower.next();
    follower.lines = BufReader::new({
        // The reading end that the follower writes to is closed here.
        let mut spare = casemate().arg("--version").stdout(Stdio::piped()).spawn().expect("runs");
        let stdout = spare.stdout.take().expect("piped");
        spare.wait().expect("ends");
        stdout
    });
    node.ok(&["invoke", "m", "-p", "/log?line=two"]);
    assert_eq!(follower.end(), (Some(0), String::new()));
}

#[test]
fn a_node_whose_output_nobody_reads_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut node = casemate()
        .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--home"])
        .arg(&home)
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .expect("runs");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = casemate().arg("--home").arg(&home).arg("functions").output().expect("runs");
        if output.status.success() {
            assert_eq!(stdout(&output), "");
            break;
        }
        assert!(Instant::now() < deadline, "{}", stderr(&output));
        std::thread::sleep(Duration::from_millis(100));
    }
    node.kill().expect("killable");
    node.wait().expect("ends");
}
