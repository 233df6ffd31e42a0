//! The command line, as people and programs use it.

mod exits;
mod following;
mod help;
mod printing;

use crate::rig::{Node, casemate, guest, repository};
use std::process::{Output, Stdio};

/// A node with the examples and a guest called `m`.
fn busy() -> Node {
    let node = Node::start();
    node.ok(&["deploy", repository().join("examples").to_str().expect("text")]);
    node.deploy(&guest("misbehave"), "m");
    node.ok(&["invoke", "hello", "--path", "/hello/you"]);
    node
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// The binary without a node.
fn alone(arguments: &[&str]) -> Output {
    casemate().args(arguments).output().expect("runs")
}

/// The binary with something on standard input.
fn fed(node: &Node, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = casemate()
        .arg("--home")
        .arg(node.home())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut stdin, input).expect("written");
    drop(stdin);
    child.wait_with_output().expect("ends")
}
