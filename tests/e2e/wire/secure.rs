//! The same attacks over TLS, and those that HTTP/2 adds, over TLS and in the clear.

use super::cases::{CHUNKS, HEADS, framings};
use crate::certificates::client::{exchange, plain_session};
use crate::rig::{Node, connect, guest, parse, request};
use std::io::{Read, Write};

/// A node with a guest that is open to everybody, over TLS too, and HTTP/2 in the clear.
fn node() -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    let text = "[gateway]\nh2c = true\nhead_timeout = \"2s\"\nbody_idle = \"2s\"\n";
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("text");
    let tls = ["--tls-self-signed", "--tls-listen", "127.0.0.1:0"];
    let node = Node::start_with(&[&["--config", config], &tls[..]].concat());
    let path = guest("misbehave");
    node.ok(&["deploy", path.to_str().expect("text"), "--name", "m", "--public", "--grant"]);
    (node, dir)
}

#[test]
fn what_is_refused_in_the_clear_is_refused_over_tls() {
    let (node, _dir) = node();
    let tls = node.tls.expect("HTTPS");
    let refused = |bytes: &str, code: &str| {
        let reply = parse(&exchange(tls, b"http/1.1", bytes.as_bytes()));
        assert_eq!(reply.code(), code, "{}: {reply:?}", bytes.escape_debug());
        assert_eq!(reply.header("connection"), Some("close"), "{}", bytes.escape_debug());
        assert!(!reply.text().contains("HTTP/1.1"), "a second answer: {}", reply.text());
        let good = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let good = parse(&exchange(tls, b"http/1.1", good.as_bytes()));
        assert!(good.status != 0, "the next client is answered: {good:?}");
    };
    let before = node.records(0).len();
    HEADS.iter().for_each(|head| refused(head, "E0701"));
    assert_eq!(node.records(0).len(), before, "no function was asked");
    let inner = "GET /m/log?line=smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let chunks = format!("0\r\n\r\n{inner}");
    for (fields, code) in framings(chunks.len()) {
        let head = format!("POST /m/read-all HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n");
        refused(&format!("{head}{chunks}"), code);
    }
    assert_eq!(node.records(0).len(), before, "no function was asked");
    for body in CHUNKS {
        let head = "POST /m/read-all HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        refused(&format!("{head}{body}{inner}"), "E0701");
    }
    assert!(!node.ok(&["logs", "-n", "1000"]).contains("smuggled"), "nothing was smuggled");
    let good = "GET /m/state HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(parse(&exchange(tls, b"http/1.1", good.as_bytes())).status, 200);
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in the static table (RFC 7541, appendix A).
const OK: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields as literals that are neither indexed nor compressed.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("short");
        assert!(length < 127, "one byte says the length");
        [&[length], text.as_bytes()].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// What a server makes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Answered,
    /// With an answer that is not 200, with RST_STREAM, with GOAWAY or with the end.
    Refused,
}

/// Sends one request on a new connection and reads until it is decided.
fn decided(node: &Node, tls: bool, fields: &[(&str, &str)], body: Option<&[u8]>) -> Verdict {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    let end = if body.is_none() { END_STREAM } else { 0 };
    bytes.extend(frame(HEADERS, END_HEADERS | end, 1, &block(fields)));
    bytes.extend(body.map(|body| frame(DATA, END_STREAM, 1, body)).unwrap_or_default());
    if tls {
        verdict(plain_session(node.tls.expect("HTTPS"), b"h2"), &bytes)
    } else {
        verdict(connect(node.gateway), &bytes)
    }
}

fn verdict(mut stream: impl Read + Write, bytes: &[u8]) -> Verdict {
    let _all_or_part = stream.write_all(bytes);
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).is_err() {
            break;
        }
        match (head[3], head[8]) {
            (HEADERS, 1) => {
                // An update of the table's size may come first.
                let first = payload.iter().find(|byte| **byte & 0xe0 != 0x20);
                return if first == Some(&OK) { Verdict::Answered } else { Verdict::Refused };
            }
            (RST_STREAM, 1) | (GOAWAY, _) => return Verdict::Refused,
            _ => {}
        }
    }
    Verdict::Refused
}

type Field = (&'static str, &'static str);

/// A good request made bad in every way that HTTP/2 or this platform forbids.
fn forbidden(base: [Field; 4]) -> Vec<Vec<Field>> {
    let [method, scheme, path, authority] = base;
    let with = |more: &[Field]| [&base[..], more].concat();
    vec![
        // Names and values.
        with(&[("X-Upper", "a")]),
        with(&[("x y", "a")]),
        with(&[("", "a")]),
        with(&[("x:", "a")]),
        with(&[("x", "a\r\nb: c")]),
        with(&[("x", "a\nb: c")]),
        with(&[("x", "a\0b")]),
        with(&[("x", " padded")]),
        // Fields of a connection.
        with(&[("connection", "close")]),
        with(&[("keep-alive", "1")]),
        with(&[("proxy-connection", "close")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "websocket")]),
        with(&[("te", "gzip")]),
        // Pseudo-header fields.
        with(&[(":path", "/m/other")]),
        with(&[(":method", "POST")]),
        with(&[(":unknown", "a")]),
        with(&[(":status", "200")]),
        [&[("x", "a")][..], &base].concat(),
        vec![method, scheme, authority],
        vec![scheme, path, authority],
        vec![method, path, authority],
        vec![method, scheme, path],
        vec![method, scheme, (":path", ""), authority],
        vec![method, scheme, (":path", "m/state"), authority],
        vec![method, scheme, (":path", "/m/state\r\nx: y"), authority],
        vec![method, scheme, (":path", "/m/../m/state"), authority],
        vec![(":method", "G ET"), scheme, path, authority],
        vec![(":method", "GET / HTTP/1.1\r\nhost: a"), scheme, path, authority],
        vec![(":method", "CONNECT"), scheme, path, authority],
        vec![method, (":scheme", "ftp"), path, authority],
        vec![method, scheme, path, (":authority", "u@localhost")],
        vec![method, scheme, path, (":authority", "a\r\nb: c")],
        with(&[("host", "other")]),
        with(&[("host", "localhost"), ("host", "localhost")]),
        // Lengths.
        with(&[("content-length", "0"), ("content-length", "0")]),
        with(&[("content-length", "5")]),
        with(&[("content-length", "-1")]),
        with(&[("content-length", "0x0")]),
    ]
}

#[test]
fn requests_that_http_2_forbids_are_refused_over_tls_and_in_the_clear() {
    let (node, _dir) = node();
    for tls in [true, false] {
        let scheme = (":scheme", if tls { "https" } else { "http" });
        let (method, path, authority) =
            ((":method", "GET"), (":path", "/m/state"), (":authority", "localhost"));
        let base = [method, scheme, path, authority];
        let put = |more: &[Field]| {
            [&[(":method", "POST"), scheme, (":path", "/m/read-all"), authority][..], more].concat()
        };
        // As often as it is asked, good requests are answered.
        let good = || assert_eq!(decided(&node, tls, &base, None), Verdict::Answered);
        good();
        assert_eq!(decided(&node, tls, &put(&[("content-length", "3")]), Some(b"abc")), {
            Verdict::Answered
        });
        node.records(if tls { 2 } else { 4 });
        let before = node.records(0).len();
        for fields in &forbidden(base) {
            let verdict = decided(&node, tls, fields, None);
            assert_eq!(verdict, Verdict::Refused, "tls {tls}: {fields:?}");
        }
        assert_eq!(node.records(0).len(), before, "tls {tls}: no function was asked");
        // A body that is not as long as it was said to be: the function is not told that it was.
        for length in ["2", "4"] {
            let fields = put(&[("content-length", length)]);
            let verdict = decided(&node, tls, &fields, Some(b"abc"));
            assert_eq!(verdict, Verdict::Refused, "tls {tls}: {length} for 3");
        }
        good();
    }
    let plain = request(node.gateway, "GET", "/m/state", None, b"");
    assert!(matches!(plain.status, 200 | 308), "{plain:?}");
}
