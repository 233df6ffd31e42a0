//! Replies that never end, end early or break.

use super::{Ward, number};
use crate::line::Line;
use crate::rig::exchange;

/// All bytes of an answer: a body that broke off has no last chunk.
fn bytes_of(ward: &Ward, path: &str) -> Vec<u8> {
    let token = &ward.token;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    exchange(ward.node.gateway, request.as_bytes())
}

#[test]
fn a_stream_without_end_is_cut_at_its_limit_and_the_client_notices() {
    let ward = Ward::open();
    let bytes = bytes_of(&ward, "/tight/stream-forever");
    let reply = crate::rig::parse(&bytes);
    assert_eq!((reply.status, reply.header("transfer-encoding")), (200, Some("chunked")));
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "the end is missing, and the client sees it");
    assert!(reply.body.len() <= 1 << 20, "{} bytes", reply.body.len());
    let record = ward.node.ended(&reply);
    assert_eq!(
        (record["outcome"].as_str(), record["code"].as_str()),
        (Some("guest_error"), Some("E0407"))
    );
    assert!(number(&record, "bytes_out") >= 1 << 20, "{record}");
    ward.is_well("stream-forever");
    // A length above the limit is refused before anything is sent.
    let whole = bytes_of(&ward, "/tight/big?bytes=1048576");
    assert!(whole.ends_with(b"\r\n0\r\n\r\n"), "what fits arrives whole");
    assert_eq!(crate::rig::parse(&whole).body.len(), 1 << 20);
}

#[test]
fn a_crash_in_the_middle_of_a_body_breaks_it_off() {
    let ward = Ward::open();
    let bytes = bytes_of(&ward, "/m/trap-mid-body");
    let reply = crate::rig::parse(&bytes);
    assert_eq!((reply.status, reply.text().as_str()), (200, "a part\n"));
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"));
    let record = ward.node.ended(&reply);
    assert_eq!((record["outcome"].as_str(), number(&record, "status")), (Some("trapped"), 200));
    ward.is_well("trap-mid-body");
}

#[test]
fn silence_in_a_stream_ends_it_and_length_does_not() {
    let ward = Ward::open();
    // Longer than `timeout` in all, and never silent for that long.
    let reply = ward.get("/m/slow-stream?n=4&ms=100");
    assert_eq!(reply.text(), "chunk 0\nchunk 1\nchunk 2\nchunk 3\n");
    let bytes = bytes_of(&ward, "/short/slow-stream?n=2&ms=3600000");
    let reply = crate::rig::parse(&bytes);
    // The head waits for the first byte or for the limit, whichever comes first.
    assert!(matches!(reply.status, 200 | 504), "{reply:?}");
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"));
    assert_eq!(ward.node.ended(&reply)["code"], "E0403");
}

#[test]
fn an_answer_does_not_wait_for_what_comes_after_it() {
    let ward = Ward::open();
    let mut line = Line::open(ward.node.gateway).expect("connects");
    // The guest goes on for an hour; the connection takes its next request at once.
    let reply = line.ask("GET", "/long/after?ms=3600000", &ward.token, "").expect("answered");
    assert_eq!(reply.text(), "answered\n");
    let id = reply.header("casemate-invocation").expect("an id").to_owned();
    let next = line.ask("GET", "/m/state", &ward.token, "").expect("answered");
    assert_eq!(next.text(), "1");
    assert_eq!(ward.node.json(&["record", &id])["outcome"], "running");

    let (reply, record) = ward.call("/m/after?ms=50");
    assert_eq!((reply.status, record["outcome"].as_str()), (200, Some("ok")));
    let lines = ward.node.lines_of(record["id"].as_str().expect("an id"));
    assert_eq!(lines[0]["text"], "after the answer");
    // Its limits hold there, too.
    let (reply, record) = ward.call("/m/after-loop");
    assert_eq!(reply.text(), "answered\n");
    assert_eq!((record["outcome"].as_str(), record["code"].as_str()), (Some("cpu"), Some("E0402")));
    assert_eq!(number(&record, "status"), 200);
    let (reply, record) = ward.call("/m/after-trap");
    assert_eq!((reply.status, record["outcome"].as_str()), (200, Some("trapped")));
    ward.is_well("after");
}

#[test]
fn bodies_that_may_not_be_there_are_not() {
    let ward = Ward::open();
    for code in [204, 304] {
        let bytes = bytes_of(&ward, &format!("/m/status?code={code}"));
        let reply = crate::rig::parse(&bytes);
        assert_eq!((reply.status, reply.body.len()), (code, 0));
        assert_eq!(reply.header("transfer-encoding"), None);
    }
    let (reply, _) = ward.call("/m/trailers");
    assert_eq!((reply.status, reply.text().as_str()), (200, "a body\n"));
}
