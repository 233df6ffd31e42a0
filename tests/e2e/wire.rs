//! HTTP as attackers, bad networks and old programs speak it.

mod cases;
mod secure;

use crate::line::Line;
use crate::rig::{Node, Reply, connect, example, exchange, guest, parse, raw, request};
use cases::{CHUNKS, HEADS, framings};
use std::io::{Read, Write};

/// A node with the guest that reports what it sees, open to everybody, and with short patience.
fn node() -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    let text = "[gateway]\nhead_timeout = \"2s\"\nbody_idle = \"2s\"\nidle = \"30s\"\n";
    std::fs::write(&config, text).expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    for (path, name) in [(guest("misbehave"), "m"), (example("echo"), "echo")] {
        let path = path.to_str().expect("text");
        node.ok(&["deploy", path, "--name", name, "--public", "--grant"]);
    }
    (node, dir)
}

fn heads(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    text.split("HTTP/1.1 ")
        .skip(1)
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .count()
}

/// One answer, this code, and a closed connection.
fn check_refused(node: &Node, bytes: &[u8], code: &str) {
    let shown = bytes[..bytes.len().min(200)].escape_ascii();
    let answer = exchange(node.gateway, bytes);
    assert_eq!(heads(&answer), 1, "{shown}: {}", answer.escape_ascii());
    let reply = parse(&answer);
    assert_eq!(reply.code(), code, "{shown}: {}", reply.text());
    assert_eq!(reply.header("connection"), Some("close"), "{shown}");
}

#[test]
fn malformed_requests_are_refused_and_the_connection_ends() {
    let (node, _dir) = node();
    let calls = node.records(0).len();
    for head in HEADS {
        check_refused(&node, head.as_bytes(), "E0701");
    }
    // A path that servers read differently reaches no function.
    for path in [
        "/m/../m/state",
        "/m/%2e%2e/state",
        "/m/./state",
        "/m%2fstate",
        "/m/%2Fstate",
        "/m%5cstate",
    ] {
        let reply = node.get(path, None);
        assert_eq!((reply.status, reply.code().as_str()), (400, "E0701"), "{path}");
    }
    check_refused(&node, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "E0711");
    check_refused(&node, b"GET / HTTP/3.0\r\nhost: a\r\n\r\n", "E0711");
    check_refused(&node, b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n", "E0712");
    assert_eq!(node.records(0).len(), calls, "no function was asked");
    assert_eq!(node.get("/m/state", None).text(), "1");
}

#[test]
fn a_second_request_cannot_be_smuggled() {
    let (node, _dir) = node();
    let inner = "GET /m/log?line=smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let chunks = format!("0\r\n\r\n{inner}");
    for (fields, code) in framings(chunks.len()) {
        let bytes = format!("POST /m/read-all HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n{chunks}");
        check_refused(&node, bytes.as_bytes(), code);
    }
    // Chunks that parsers read differently: the function is not told that its body was whole.
    for body in CHUNKS {
        let head = "POST /m/read-all HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        check_refused(&node, format!("{head}{body}{inner}").as_bytes(), "E0701");
    }
    let logged = node.ok(&["logs", "-n", "1000"]);
    assert!(!logged.contains("smuggled"), "{logged}");
}

#[test]
fn clients_that_stall_are_told_and_let_go() {
    let (node, _dir) = node();
    for part in [
        "GET /m/st",
        "GET /m/state HTTP/1.1\r\nhost: a\r\nx-slow",
        "GET /m/state HTTP/1.1\r\nhost: a\r\n",
    ] {
        let reply = raw(node.gateway, part.as_bytes());
        assert_eq!((reply.status, reply.code().as_str()), (408, "E0704"), "{part}");
    }
    let body = "POST /m/read-all HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nten bytes.";
    let chunk = "POST /m/read-all HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    for part in [body, chunk] {
        let reply = raw(node.gateway, part.as_bytes());
        assert_eq!((reply.status, reply.code().as_str()), (408, "E0704"), "{}", reply.text());
        let record = node.ended(&reply);
        assert_eq!(
            (record["outcome"].as_str(), record["code"].as_str()),
            (Some("interrupted"), Some("E0704"))
        );
    }
    // A connection that says nothing is closed without a word.
    let mut silent = connect(node.gateway);
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).expect("closed");
    assert_eq!(answer, b"");
    // Who does not take the answer does not hold the function for ever.
    let mut deaf = Line::open(node.gateway).expect("connects");
    deaf.send("GET", "/m/big?bytes=30000000", "", "").expect("sent");
    let head = deaf.head().expect("a head");
    assert_eq!(node.ended(&head)["outcome"], "interrupted");
    assert_eq!(node.get("/m/state", None).text(), "1");
}

#[test]
fn a_body_over_its_limit_is_refused_announced_or_not() {
    let (node, _dir) = node();
    let most = 6 << 20;
    let calls = node.records(0).len();
    let head =
        format!("POST /m/read-all HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", most + 1);
    check_refused(&node, head.as_bytes(), "E0703");
    check_refused(
        &node,
        b"POST /m/read-all HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999999999999999\r\n\r\nx",
        "E0703",
    );
    // Who asks first is told before it sends anything.
    let asked = format!(
        "POST /m/read-all HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        most + 1
    );
    check_refused(&node, asked.as_bytes(), "E0703");
    // No guest was started, and the operator can see why.
    for record in &node.records(calls + 3)[..3] {
        assert_eq!((record["code"].as_str(), record["cpu_us"].as_u64()), (Some("E0703"), Some(0)));
    }
    let mut bytes =
        b"POST /m/read-all HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    for _ in 0..7 {
        bytes.extend_from_slice(&chunk);
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let reply = raw(node.gateway, &bytes);
    assert_eq!((reply.status, reply.code().as_str()), (413, "E0703"), "{}", reply.text());
    let record = node.ended(&reply);
    assert_eq!(
        (record["outcome"].as_str(), record["code"].as_str()),
        (Some("interrupted"), Some("E0703"))
    );
    let fits = request(node.gateway, "POST", "/m/read-all", None, &vec![b'x'; most]);
    assert_eq!(fits.text(), format!("read {most} bytes until the end\n"));
}

#[test]
fn heads_are_limited_in_fields_and_bytes() {
    let (node, _dir) = node();
    let with = |fields: &str| -> Reply {
        let head = format!("GET /m/state HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
        raw(node.gateway, head.as_bytes())
    };
    assert_eq!(with(&format!("x: {}\r\n", "v".repeat(30 << 10))).text(), "1");
    assert_eq!(with(&"x: v\r\n".repeat(98)).text(), "1");
    for fields in [
        format!("x: {}\r\n", "v".repeat(33 << 10)),
        "x: v\r\n".repeat(99),
        "x: v\r\n".repeat(9_000),
    ] {
        let reply = with(&fields);
        assert_eq!((reply.status, reply.code().as_str()), (431, "E0702"));
    }
    let long = format!("/m/request?{}", "q".repeat(30_000));
    assert!(node.get(&long, None).text().contains(&long), "a long query arrives whole");
    assert_eq!(node.get(&format!("/m/{}", "p".repeat(40_000)), None).code(), "E0702");
    // Without an end: the node does not wait for more than it will take.
    let mut endless = connect(node.gateway);
    let _until_it_is_refused = (0..64).try_for_each(|_| endless.write_all(&[b'a'; 4096]));
    let mut answer = Vec::new();
    let _end_or_reset = endless.read_to_end(&mut answer);
    assert!(heads(&answer) <= 1);
    assert_eq!(node.get("/m/state", None).text(), "1");
}

#[test]
fn a_connection_carries_one_request_after_the_other() {
    let (node, _dir) = node();
    let mut line = Line::open(node.gateway).expect("connects");
    for _ in 0..50 {
        assert_eq!(
            line.ask("GET", "/m/state", "", "")
                .map_err(|e| e.to_string())
                .as_ref()
                .map(Reply::text),
            Ok("1".to_owned())
        );
    }
    // A body that the function did not read is not the next request.
    let body = "GET /m/log?line=taken-for-a-request HTTP/1.1\r\nhost: a\r\n\r\n";
    for path in ["/m/read-none", "/m/read-some?bytes=3", "/m/trap-secret"] {
        line.ask("POST", path, "", body).expect("answered");
        assert_eq!(line.ask("GET", "/m/state", "", "").expect("answered").text(), "1", "{path}");
    }
    assert!(!node.ok(&["logs", "-n", "1000"]).contains("taken-for-a-request"));
    // Sent all at once, answered in order.
    let mut all = String::new();
    for code in [201, 202, 203] {
        all.push_str(&format!("GET /m/status?code={code} HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
    line.push(all.as_bytes()).expect("sent");
    for code in [201, 202, 203] {
        let head = line.head().expect("a head");
        assert_eq!(line.rest(head).expect("a body").status, code);
    }
    // HEAD has no body that could be taken for the next answer.
    line.push(b"HEAD /m/list HTTP/1.1\r\nhost: a\r\n\r\nGET /m/state HTTP/1.1\r\nhost: a\r\n\r\n")
        .expect("sent");
    let head = line.head().expect("a head");
    assert!(head.status == 200 && head.header("content-length").is_some(), "{head:?}");
    let next = line.head().expect("a head");
    assert_eq!(line.rest(next).expect("a body").text(), "1");
    // A stream is not begun for it, and nobody went away.
    let head = parse(&exchange(
        node.gateway,
        b"HEAD /m/big HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(node.ended(&head)["outcome"], "ok");
    // Old clients get one answer, and its end is the connection's.
    let old = exchange(node.gateway, b"GET /m/big?bytes=50000 HTTP/1.0\r\n\r\n");
    let old = parse(&old);
    assert_eq!((old.status, old.body.len(), old.header("transfer-encoding")), (200, 50_000, None));
}

#[test]
fn bodies_stream_both_ways() {
    let (node, _dir) = node();
    let mut line = Line::open(node.gateway).expect("connects");
    line.push(b"POST /echo/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("sent");
    let mut head = None;
    for number in 0..5 {
        // The next part is sent only after this one has come back.
        line.push(format!("6\r\npart {number}\r\n").as_bytes()).expect("sent");
        if head.is_none() {
            head = Some(line.head().expect("a head while the body is open"));
        }
        assert_eq!(line.chunk().expect("a chunk"), Some(format!("part {number}").into_bytes()));
    }
    line.push(b"0\r\n\r\n").expect("sent");
    assert_eq!(line.chunk().expect("the end"), None);
    let record = node.ended(&head.expect("a head"));
    assert_eq!((record["bytes_in"].as_u64(), record["bytes_out"].as_u64()), (Some(30), Some(30)));
    // Large, in one go, in both directions at once.
    let body: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
    assert!(request(node.gateway, "POST", "/echo/x", None, &body).body == body);
    // A caller that breaks off in the middle of its body is noticed.
    let mut cut = Line::open(node.gateway).expect("connects");
    cut.push(b"POST /echo/x HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc").expect("sent");
    let head = cut.head().expect("a head");
    drop(cut);
    assert_eq!(node.ended(&head)["outcome"], "interrupted");
}
