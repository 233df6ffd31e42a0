//! A node talks to nobody whom the operator did not name.

use crate::rig::{BINARY, Node, casemate, example};
use std::path::Path;
use std::process::Command;

/// Calls that send something to an address, and `bind`, which shows that the trace works.
const TRACED: &str = "trace=bind,connect,sendto,sendmsg,sendmmsg";

/// The binary under `strace`, its threads and children included. The process that is started is
/// the node itself (`-D`), so that signals reach it.
fn traced(to: &Path) -> Command {
    let strace = Path::new("/usr/bin/strace");
    assert!(strace.exists(), "strace is missing: run `cargo xtask test`, or install it");
    let mut command = Command::new(strace);
    command.args(["-D", "-f", "-qq", "-e", TRACED, "-o"]).arg(to).arg(BINARY);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    command
}

/// Whether a line of the trace names an address on another machine, or asks a resolver.
fn leaves_the_machine(line: &str) -> bool {
    let inet = line.contains("sa_family=AF_INET");
    let loopback = ["inet_addr(\"127.", "inet_pton(AF_INET6, \"::1\"", "\"::ffff:127."];
    inet && (line.contains("htons(53)") || !loopback.iter().any(|mark| line.contains(mark)))
}

#[test]
fn a_line_of_the_trace_is_read_as_it_is_meant() {
    for foreign in [
        r#"7 connect(9, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("203.0.113.9")}, 16) = 0"#,
        r#"7 sendto(9, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 1"#,
        r#"7 connect(9, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = 0"#,
    ] {
        assert!(leaves_the_machine(foreign), "{foreign}");
    }
    for own in [
        r#"7 bind(9, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0"#,
        r#"7 connect(9, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0"#,
        r#"7 sendto(9, "x", 1, MSG_NOSIGNAL, NULL, 0) = 1"#,
    ] {
        assert!(!leaves_the_machine(own), "{own}");
    }
}

#[test]
fn a_node_talks_to_nobody() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("trace");
    let home = dir.path().join("home");
    let mut node = Node::try_start_as(traced(&trace), &home, &["--demo"]).expect("starts");
    let token = node.deploy(&example("hello"), "quiet");
    assert_eq!(node.get("/quiet/you", Some(&token)).status, 200);
    let denied = node.ok(&["invoke", "outbound", "--path", "/outbound"]);
    assert!(denied.contains("denied"), "{denied}");
    let backup = dir.path().join("backup.tar");
    node.ok(&["backup", backup.to_str().expect("text")]);
    node.ok(&["doctor"]);
    assert_eq!(node.stop(), Some(0));
    let text = std::fs::read_to_string(&trace).expect("a trace");
    assert!(text.lines().any(|line| line.contains("bind(")), "nothing was traced: {text}");
    // The doctor has a jail tried from inside, by asking for an address that is nobody's (RFC 5737).
    let tried = |line: &&str| line.contains(r#"inet_addr("192.0.2.1")"#);
    let tries: Vec<&str> = text.lines().filter(tried).collect();
    assert!(tries.iter().all(|line| line.contains("ENETUNREACH")), "a jail got out: {tries:#?}");
    let pid = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let inside: Vec<String> = tries.into_iter().map(pid).collect();
    let foreign = text.lines().filter(|line| leaves_the_machine(line));
    let foreign: Vec<&str> = foreign.filter(|line| !inside.contains(&pid(line))).collect();
    assert!(foreign.is_empty(), "the node reached for other machines: {foreign:#?}");
}

#[test]
fn the_command_line_talks_to_nobody_but_its_node() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("trace");
    let node = Node::start();
    for arguments in
        [&["functions"][..], &["--version"], &["explain", "E0203"], &["ledger", "verify"]]
    {
        let mut command = traced(&trace);
        let home = node.home().to_str().expect("text");
        let output = command.args(["--home", home]).args(arguments).output().expect("runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let text = std::fs::read_to_string(&trace).expect("a trace");
        let foreign: Vec<&str> = text.lines().filter(|line| leaves_the_machine(line)).collect();
        assert!(foreign.is_empty(), "{arguments:?} reached for other machines: {foreign:#?}");
    }
    assert!(casemate().arg("--version").output().expect("runs").status.success());
}
