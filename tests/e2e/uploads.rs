//! Uploads through the real binary: cut, resumed, after a restart, at the same time, and by a
//! client that others wrote.

use crate::rig::{BINARY, Node, PATIENCE, Reply, connect, example, parse, raw, repository};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const MANIFEST: &str = r#"
manifest = 1
application = "files"

[[function]]
name = "files"
source = "echo.wasm"

[[function.http]]
route = "* /files"
upload = { max_size = "1GiB" }
"#;

/// The upload that is cut: so many bytes, of which none is held in memory.
const LARGE: u64 = 200 << 20;

fn deploy(node: &Node) -> String {
    let output = node.deploy_manifest(MANIFEST, &[("echo.wasm", &example("echo"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node.ok(&["token", "create", "ci", "--invoke", "files"]).trim().to_owned()
}

fn head(method: &str, path: &str, token: &str, fields: &[(&str, &str)]) -> String {
    let fields: String =
        fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         tus-resumable: 1.0.0\r\n{fields}\r\n"
    )
}

fn begin(to: SocketAddr, token: &str, length: u64) -> String {
    let length = length.to_string();
    let fields = [("upload-length", &*length), ("content-length", "0")];
    let made = raw(to, head("POST", "/files", token, &fields).as_bytes());
    assert_eq!(made.status, 201, "{made:?}");
    made.header("location").expect("a place").to_owned()
}

fn offset(to: SocketAddr, uri: &str, token: &str) -> u64 {
    let reply = raw(to, head("HEAD", uri, token, &[]).as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("upload-offset").expect("an offset").parse().expect("a number")
}

fn patch_head(uri: &str, token: &str, from: u64, length: u64) -> String {
    let (from, length) = (from.to_string(), length.to_string());
    let kind = ("content-type", "application/offset+octet-stream");
    head("PATCH", uri, token, &[kind, ("upload-offset", &from), ("content-length", &length)])
}

/// The bytes of the large upload from here on, as far as there.
fn send(to: &mut impl Write, from: u64, until: u64) {
    let mut at = from;
    while at < until {
        let piece: Vec<u8> = (at..until.min(at + (1 << 20))).map(|at| (at % 251) as u8).collect();
        to.write_all(&piece).expect("sent");
        at += piece.len() as u64;
    }
}

fn peak_kib(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn a_large_upload_goes_on_after_a_cut_and_after_a_power_cut() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("home");
    let node = Node::start_on(&home, &[]);
    let token = deploy(&node);
    let before = peak_kib(&node);
    let uri = begin(node.gateway, &token, LARGE);
    // Half of it, and the client is gone.
    let mut client = connect(node.gateway);
    client.write_all(patch_head(&uri, &token, 0, LARGE).as_bytes()).expect("sent");
    send(&mut client, 0, LARGE / 2);
    drop(client);
    let deadline = Instant::now() + PATIENCE;
    let mut first = 0;
    // What is on its way to the disk gets there; then it stays.
    while first == 0 || offset(node.gateway, &uri, &token) != first {
        first = offset(node.gateway, &uri, &token);
        assert!(Instant::now() < deadline, "nothing was kept");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(first <= LARGE / 2);
    // Some more, and the node is gone.
    let more = first + (20 << 20);
    let mut client = connect(node.gateway);
    client.write_all(patch_head(&uri, &token, first, LARGE - first).as_bytes()).expect("sent");
    send(&mut client, first, more);
    let grown = (peak_kib(&node) - before) >> 10;
    assert!(grown < 64, "{grown} MiB more for {} MiB", LARGE >> 20);
    drop(node.kill());
    let node = Node::start_on(&home, &[]);
    let second = offset(node.gateway, &uri, &token);
    assert!((first..=more).contains(&second), "{first} {second} {more}");
    let mut client = connect(node.gateway);
    client.write_all(patch_head(&uri, &token, second, LARGE - second).as_bytes()).expect("sent");
    send(&mut client, second, LARGE);
    let reply = answer(client);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("upload-offset"), Some(&*LARGE.to_string()));
    let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(told["bytes"], LARGE);
    assert_eq!(
        told["name"].as_str(),
        reply.header("x-saw-casemate-upload").or(told["name"].as_str())
    );
    let record = node.ended(&reply);
    assert_eq!(record["outcome"], "ok");
    assert_eq!(offset(node.gateway, &uri, &token), LARGE, "its client may ask again");
    assert_eq!(node.records(1).len(), 1, "one call");
}

fn answer(mut client: std::net::TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let _end_or_reset = client.read_to_end(&mut bytes);
    parse(&bytes)
}

#[test]
fn two_who_add_at_once_do_not_mix() {
    let node = Node::start();
    let token = deploy(&node);
    let uri = begin(node.gateway, &token, 1000);
    let (node, token, uri) = (&node, &token, &uri);
    let add = move |letter: u8| {
        let mut client = connect(node.gateway);
        let head = patch_head(uri, token, 0, 1000).into_bytes();
        // In two pieces, so that both are under way together.
        client.write_all(&[&head[..], &[letter; 500]].concat()).expect("sent");
        std::thread::yield_now();
        // Who was turned away may be gone.
        let _ = client.write_all(&[letter; 500]);
        answer(client).status
    };
    let mut statuses = std::thread::scope(|scope| {
        let both = [b'a', b'b'].map(|letter| scope.spawn(move || add(letter)));
        both.map(|one| one.join().expect("answered"))
    });
    statuses.sort_unstable_by_key(|status| *status != 200);
    // The other one: in use, further on, or complete by then; or cut off before it could read which.
    let [taken, other] = statuses;
    assert!(taken == 200 && [0, 404, 409, 423].contains(&other), "{statuses:?}");
    assert_eq!(offset(node.gateway, uri, token), 1000);
    assert_eq!(node.records(1).len(), 1, "one call");
}

#[test]
fn a_large_body_in_one_request_is_stored_and_told_of() {
    let node = Node::start();
    let token = deploy(&node);
    let before = peak_kib(&node);
    let mut client = connect(node.gateway);
    let length = 64 << 20;
    let head = format!(
        "POST /files HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).expect("sent");
    send(&mut client, 0, length);
    let reply = answer(client);
    let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((reply.status, &told["bytes"]), (200, &length.into()));
    let grown = (peak_kib(&node) - before) >> 10;
    assert!(grown < 48, "{grown} MiB more for {} MiB", length >> 20);
    // Who may not call may not upload, and learns nothing.
    let stranger = node.deploy(&example("hello"), "hello");
    let refused = raw(node.gateway, head_of(&stranger).as_bytes());
    assert_eq!(refused.code(), "E0706");
}

fn head_of(token: &str) -> String {
    head("POST", "/files", token, &[("upload-length", "5"), ("content-length", "0")])
}

#[test]
fn a_client_that_others_wrote_stops_in_the_middle_and_goes_on() {
    let modules = Path::new(BINARY).parent().and_then(Path::parent).expect("target");
    let modules = modules.join("guests/tus");
    let there = modules.join("node_modules/tus-js-client").exists();
    assert!(there, "{} is missing: run `cargo xtask guests --foreign`", modules.display());
    let node = Node::start();
    let token = deploy(&node);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("large.bin");
    let mut bytes = Vec::new();
    send(&mut bytes, 0, 5_500_000);
    std::fs::write(&file, &bytes).expect("written");
    let output = Command::new("node")
        .arg(repository().join("tests/clients/tus/client.js"))
        .arg(&modules)
        .arg(format!("http://{}/files", node.gateway))
        .arg(&token)
        .arg(&file)
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stopped = report["stopped"].as_u64().expect("a number");
    assert!((2_700_000..5_500_000).contains(&stopped), "{report}");
    assert_eq!(
        (&report["answer"]["method"], &report["answer"]["status"]),
        (&"PATCH".into(), &200.into())
    );
    let told = report["answer"]["body"].as_str().expect("a body");
    let told: Value = serde_json::from_str(told).expect("JSON");
    assert_eq!(told["bytes"], 5_500_000);
    assert_eq!(told["metadata"]["filename"], "größe.bin");
    assert_eq!(node.records(1).len(), 1, "one call");
}
