//! The front door behind proxies, with its log, and over HTTP/2.

use crate::rig::{Node, PATIENCE, connect, guest, raw};
use serde_json::Value;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

/// A node with these lines in `[gateway]`, and the guest that reports what it sees, open to
/// everybody.
fn node(lines: &str) -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    let lines = lines.replace("DIR", dir.path().to_str().expect("text"));
    std::fs::write(&config, format!("[gateway]\n{lines}\n")).expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    let path = guest("misbehave");
    node.ok(&["deploy", path.to_str().expect("text"), "--name", "m", "--public", "--grant"]);
    (node, dir)
}

const ASK: &str = "GET /m/request?q=secret HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\
                   x-forwarded-for: 6.6.6.6, 192.0.2.7\r\nx-forwarded-proto: https\r\n\
                   forwarded: for=6.6.6.6\r\nuser-agent: t\x1b[2J\r\n\r\n";

#[test]
fn functions_are_told_where_a_request_came_from() {
    let ask = ASK.replace('\x1b', "");
    let (node, _dir) = node("");
    let seen = raw(node.gateway, ask.as_bytes()).text();
    for line in
        ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "forwarded: for=127.0.0.1"]
    {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert!(!seen.contains("6.6.6.6") && !seen.contains("192.0.2.7"), "{seen}");
    let (node, _dir) = self::node("trusted_proxies = [\"127.0.0.1\"]");
    let seen = raw(node.gateway, ask.as_bytes()).text();
    for line in
        ["x-forwarded-for: 192.0.2.7", "x-forwarded-proto: https", "forwarded: for=192.0.2.7"]
    {
        assert!(seen.contains(line), "{line}: {seen}");
    }
    assert!(!seen.contains("6.6.6.6"), "{seen}");
}

#[test]
fn the_proxy_protocol_names_the_client_and_is_required() {
    let ask = ASK.replace('\x1b', "").replace("x-forwarded", "x-other").replace("forwarded:", "f:");
    let (node, _dir) = node(
        "trusted_proxies = [\"127.0.0.0/8\"]\nproxy_protocol = \"v1v2\"\nhead_timeout = \"1s\"",
    );
    let line = "PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";
    let seen = raw(node.gateway, format!("{line}{ask}").as_bytes()).text();
    assert!(seen.contains("x-forwarded-for: 192.0.2.7"), "{seen}");
    let reply = raw(node.gateway, ask.as_bytes());
    assert_eq!((reply.status, reply.head.as_str()), (0, ""));
}

/// The access log's lines, once there are so many.
fn lines(path: &Path, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<_> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(Instant::now() < deadline, "{} of {count}: {text}", lines.len());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn the_access_log_names_each_request_and_is_opened_anew_with_a_signal() {
    let (mut node, dir) = node("access_log = \"DIR/access.log\"");
    let path = dir.path().join("access.log");
    // A control character in a header is no request; it is logged as one that could not be read.
    assert_eq!(raw(node.gateway, ASK.as_bytes()).status, 400);
    let reply = raw(node.gateway, ASK.replace('\x1b', "\u{9b}").as_bytes());
    let found = lines(&path, 2);
    assert_eq!((&found[0]["status"], &found[0]["path"]), (&400.into(), &Value::Null));
    assert_eq!(found[1]["invocation"].as_str(), reply.header("casemate-invocation"));
    assert_eq!((&found[1]["path"], &found[1]["host"]), (&"/m/request".into(), &"a.example".into()));
    assert_eq!(found[1]["sent"], reply.body.len());
    assert_eq!((&found[0]["route"], &found[1]["function"]), (&Value::Null, &"m".into()));
    assert!(found[1]["route"].as_str().is_some_and(|it| it.ends_with("/m/{*rest}")), "{found:?}");
    let text = std::fs::read_to_string(&path).expect("a log");
    assert!(text.is_ascii() && !text.contains("secret") && text.contains("t\\u009b[2J"), "{text}");
    let moved = dir.path().join("access.log.1");
    std::fs::rename(&path, &moved).expect("renamed");
    node.signal("HUP");
    // The signal is on its way; sooner or later the lines go to the new file.
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert_eq!(node.get("/m/state", None).status, 200);
        assert!(Instant::now() < deadline, "the log is not opened anew");
    }
    assert!(!lines(&path, 1).is_empty());
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn an_access_log_that_cannot_be_opened_keeps_the_node_from_starting() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "[gateway]\naccess_log = \"/nowhere/a.log\"\n").expect("written");
    let config = config.to_str().expect("text");
    let said = Node::try_start_on(&dir.path().join("home"), &["--config", config]);
    let said = said.err().expect("it does not start");
    assert!(said.contains("E0721") && said.contains("/nowhere/a.log"), "{said}");
}

#[test]
fn a_setting_that_would_trust_everybody_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    for (line, code) in [
        ("trusted_proxies = [\"0.0.0.0/0\"]", "E0607"),
        ("trusted_proxies = [\"nobody\"]", "E0603"),
        ("proxy_protocol = \"v1v2\"", "E0603"),
        ("proxy_protocol = \"v3\"", "E0603"),
    ] {
        let config = dir.path().join("node.toml");
        std::fs::write(&config, format!("[gateway]\n{line}\n")).expect("written");
        let config = config.to_str().expect("text");
        let said = Node::try_start_on(&dir.path().join("home"), &["--config", config]);
        let said = said.err().expect("it does not start");
        assert!(said.contains(code), "{line}: {said}");
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET` of a path over HTTP/2, as a block of literals.
fn ask(stream: u32, path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for text in [":method", "GET", ":scheme", "http", ":path", path, ":authority", "a.example"] {
        if text.starts_with(':') {
            block.push(0);
        }
        block.push(u8::try_from(text.len()).expect("short"));
        block.extend(text.as_bytes());
    }
    frame(1, 5, stream, &block)
}

#[test]
fn a_function_answers_over_http_2_and_several_at_once() {
    let (node, _dir) = node("h2c = true");
    let mut socket = connect(node.gateway);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let requests: Vec<u8> = (0..20).flat_map(|number| ask(1 + 2 * number, "/m/request")).collect();
    socket.write_all(&[&preface[..], &frame(4, 0, 0, &[]), &requests].concat()).expect("sent");
    let mut bodies = std::collections::HashMap::<u32, Vec<u8>>::new();
    let mut ended = 0;
    while ended < 20 {
        let mut head = [0; 9];
        socket.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        socket.read_exact(&mut payload).expect("its payload");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        match head[3] {
            // `:status: 200` is the eighth entry of the table.
            1 => assert_eq!(payload[0], 0x88, "stream {stream}"),
            0 => {
                bodies.entry(stream).or_default().extend(payload);
                ended += usize::from(head[4] & 1 != 0);
            }
            3 | 7 => panic!("{}", payload.escape_ascii()),
            _ => {}
        }
    }
    assert_eq!(bodies.len(), 20);
    for body in bodies.values() {
        let text = String::from_utf8_lossy(body);
        assert!(text.contains("host: a.example") && text.contains("/m/request"), "{text}");
    }
    assert_eq!(node.records(20).len(), 20);
}
