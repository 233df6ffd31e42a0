//! Streams of events: answers that last, with a limit for their silence and for clients that do
//! not read.

use crate::line::Line;
use crate::rig::{Node, Reply, exchange, guest, parse};

const MANIFEST: &str = r#"
manifest = 1
application = "feed"

[[function]]
name = "patient"
source = "m.wasm"
timeout = "1s"
stream_idle = "20s"
[[function.http]]
route = "GET /patient/{way}"

[[function]]
name = "brisk"
source = "m.wasm"
timeout = "20s"
stream_idle = "500ms"
response_body = "1GiB"
cpu = "60s"
[[function.http]]
route = "GET /brisk/{way}"
"#;

fn node(config: &str) -> (Node, String, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("node.toml");
    std::fs::write(&file, config).expect("written");
    let node = Node::start_with(&["--config", file.to_str().expect("text")]);
    let output = node.deploy_manifest(MANIFEST, &[("m.wasm", &guest("misbehave"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let token = node.ok(&["token", "create", "t", "--invoke", "patient", "brisk"]);
    (node, token.trim().to_owned(), dir)
}

/// The answer, and whether it came to its end.
fn get(node: &Node, path: &str, token: &str) -> (Reply, bool) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let bytes = exchange(node.gateway, request.as_bytes());
    (parse(&bytes), bytes.ends_with(b"\r\n0\r\n\r\n"))
}

#[test]
fn the_silence_of_a_stream_has_a_limit_of_its_own() {
    let (node, token, _dir) = node("");
    // Silent for longer than `timeout`, and not for as long as `stream_idle`.
    let (reply, whole) = get(&node, "/patient/slow-stream?n=2&ms=1500", &token);
    assert_eq!((reply.status, whole), (200, true), "{reply:?}");
    assert_eq!(reply.text(), "chunk 0\nchunk 1\n");
    // Before its head, `timeout` holds.
    let (reply, _) = get(&node, "/patient/hang", &token);
    assert_eq!((reply.status, reply.code().as_str()), (504, "E0403"));
    // Many words in a row keep it, a long silence ends it.
    let (reply, whole) = get(&node, "/brisk/slow-stream?n=20&ms=50", &token);
    assert!(whole, "{reply:?}");
    let (reply, whole) = get(&node, "/brisk/slow-stream?n=2&ms=3600000", &token);
    assert_eq!((reply.status, whole), (200, false), "{reply:?}");
    let record = node.ended(&reply);
    assert_eq!(
        (record["outcome"].as_str(), record["code"].as_str()),
        (Some("timeout"), Some("E0403"))
    );
}

#[test]
fn a_client_that_does_not_read_its_stream_is_dropped_and_the_guest_with_it() {
    let (node, token, _dir) = node("[gateway]\nbody_idle = \"1s\"\n");
    let mut line = Line::open(node.gateway).expect("connects");
    line.send("GET", "/brisk/stream-forever", &token, "").expect("sent");
    let head = line.head().expect("an answer begins");
    let id = head.header("casemate-invocation").expect("an id").to_owned();
    // The client stays, and reads no more.
    let record = node.record_of(&id, "running", false);
    assert_eq!(record["outcome"], "interrupted", "{record}");
    drop(line);
}
