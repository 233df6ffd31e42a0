//! Calls as such: what travels how, and what a connection is used for.

use super::rig::{Raw, Talk, answer, body, get, post, read, within};
use crate::contract::Conversation as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use model::manifest::Contract;
use ports::executor::{BodyError, FaultKind, RequestBody};
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A body that goes on while the sender lives.
fn streamed() -> (mpsc::UnboundedSender<Result<Bytes, BodyError>>, RequestBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let pieces = stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<_>| async move {
        receiver.recv().await.map(|piece: Result<Bytes, _>| (piece.map(Frame::data), receiver))
    });
    (sender, StreamBody::new(pieces.boxed()).boxed_unsync())
}

#[tokio::test]
async fn a_request_travels_as_it_is_but_for_what_is_the_platforms() {
    let raw =
        Raw::start(|_| answer("201 Created", &["x-mine: 1", "Connection: keep-alive"], "hi")).await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    talk.ready().await.expect("ready");
    let request = Request::put("https://shop.example:8443/a%20b?c=d&e")
        .header("content-type", "text/plain")
        .header("content-length", "4")
        .header("expect", "100-continue")
        .header("connection", "close, x-private")
        .header("x-private", "1")
        .header("ce-id", "1")
        .header("ce_type", "2")
        .header("k-original-host", "evil")
        .header("casemate_invocation", "evil")
        .header("casemate-caller", "token:ci")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-many", "1")
        .header("x-many", "2")
        .body(body("body"))
        .expect("a request");
    let whole = talk.whole(request).await.expect("an answer");
    assert_eq!((whole.status, whole.body.as_str(), whole.failed), (201, "hi", None));
    assert_eq!(whole.headers["x-mine"], "1");
    assert!(!whole.headers.contains_key("connection"));
    let seen = raw.last();
    assert_eq!((seen.line.as_str(), seen.body.as_str()), ("PUT /a%20b?c=d&e HTTP/1.1", "body"));
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let left =
        ["casemate-caller", "content-length", "content-type", "host", "x-forwarded-for", "x-many"];
    assert_eq!(names, left);
    assert_eq!(seen.field("host"), "shop.example:8443");
    assert_eq!(seen.headers.get_all("x-many").iter().count(), 2);
    assert_eq!(*talk.process.asked_for.lock(), [8080, 8080]);
}

#[tokio::test]
async fn one_connection_carries_one_call_after_the_other() {
    let raw = Raw::start(|seen| answer("200 OK", &[], &seen.line)).await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    for number in 0..10 {
        let uri = format!("http://a/{number}");
        let whole = talk.whole(get(&uri)).await.expect("an answer");
        assert_eq!(whole.body, format!("GET /{number} HTTP/1.1"));
        within(talk.server.settled()).await;
    }
    assert_eq!(raw.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn several_calls_at_a_time_have_a_connection_each() {
    let raw = Raw::start(|seen| answer("200 OK", &[], &seen.line)).await;
    let talk = Talk::new(raw.port, Contract::Http, r#","parallel":3"#);
    let answers = futures_util::future::join_all((0..3).map(|number| {
        let uri = format!("http://a/{number}");
        let talk = &talk;
        async move { talk.call(get(&uri)).await.expect("an answer") }
    }));
    for (number, answer) in answers.await.into_iter().enumerate() {
        let whole = read(answer).await.expect("a body");
        assert_eq!(whole.body, format!("GET /{number} HTTP/1.1"));
    }
    assert!(raw.connections.load(Ordering::SeqCst) <= 3);
    within(talk.server.settled()).await;
}

#[tokio::test]
async fn both_bodies_flow_piece_by_piece() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let talk = Talk::new(listener.local_addr().expect("an address").port(), Contract::Http, "");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut seen = Vec::new();
        while !seen.ends_with(b"one\r\n") {
            stream.read_buf(&mut seen).await.expect("the request's beginning");
        }
        // The answer begins while the request goes on.
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nein\r\n";
        stream.write_all(head.as_bytes()).await.expect("the answer's beginning");
        while !seen.ends_with(b"0\r\n\r\n") {
            stream.read_buf(&mut seen).await.expect("the request's end");
        }
        stream.write_all(b"4\r\nzwei\r\n0\r\n\r\n").await.expect("the answer's end");
        String::from_utf8(seen).expect("text")
    });
    let (sender, pieces) = streamed();
    sender.send(Ok(Bytes::from("one"))).expect("sent");
    let request = Request::post("http://a/").body(pieces).expect("a request");
    let mut body = talk.call(request).await.expect("an answer").response.into_body();
    let first = within(body.frame()).await.expect("a frame").expect("good").into_data();
    assert_eq!(first.expect("data"), "ein");
    let settled = tokio::time::timeout(std::time::Duration::from_millis(50), talk.server.settled());
    assert!(settled.await.is_err(), "an invocation is in hand");
    sender.send(Ok(Bytes::from("two"))).expect("sent");
    drop(sender);
    let second = within(body.frame()).await.expect("a frame").expect("good").into_data();
    assert_eq!(second.expect("data"), "zwei");
    assert!(within(body.frame()).await.is_none());
    within(talk.server.settled()).await;
    let seen = within(server).await.expect("the server");
    assert!(seen.contains("transfer-encoding: chunked") && seen.contains("two"), "{seen}");
}

#[tokio::test]
async fn a_get_with_a_body_keeps_it() {
    let raw = Raw::start(|_| answer("200 OK", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    let (sender, pieces) = streamed();
    sender.send(Ok(Bytes::from("query"))).expect("sent");
    drop(sender);
    let request = Request::get("http://a/").body(pieces).expect("a request");
    talk.whole(request).await.expect("an answer");
    assert!(raw.last().body.contains("query"), "{:?}", raw.last());
}

#[tokio::test]
async fn a_request_whose_body_breaks_off_is_nobodys_fault_but_its_own() {
    let raw = Raw::start(|_| answer("200 OK", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    let (sender, pieces) = streamed();
    sender.send(Ok(Bytes::from("half"))).expect("sent");
    sender.send(Err(BodyError::Cut)).expect("sent");
    let request = Request::post("http://a/").body(pieces).expect("a request");
    let fault = talk.call(request).await.err().expect("a fault");
    assert_eq!(fault.kind, FaultKind::RequestBody(BodyError::Cut));
}

#[tokio::test]
async fn what_an_event_is_carried_by_does_not_travel() {
    let raw = Raw::start(|_| answer("204 No Content", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::CloudRun, "");
    let mut request = post("http://a/carried/by?this", "application/json", "{}");
    for (name, value) in [
        ("ce-id", "1"),
        ("ce-type", "t"),
        ("authorization", "Bearer x"),
        ("x-other", "y"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ] {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    *request.method_mut() = http::Method::GET;
    let whole = talk.whole_event(request).await.expect("an answer");
    assert_eq!((whole.status, whole.failed), (204, None));
    let seen = raw.last();
    assert_eq!((seen.line.as_str(), seen.body.as_str()), ("POST / HTTP/1.1", "{}"));
    assert_eq!((seen.field("ce-id"), seen.field("ce-type")), ("1", "t"));
    let trace = "0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1";
    assert_eq!(seen.field("x-cloud-trace-context"), trace);
    assert!(!seen.headers.contains_key("authorization") && !seen.headers.contains_key("x-other"));
}

#[tokio::test]
async fn an_answer_without_a_body_states_the_length_that_it_would_have() {
    let raw = Raw::start(|seen| match seen.line.starts_with("HEAD") {
        true => b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec(),
        false => b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n".to_vec(),
    })
    .await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    for method in ["HEAD", "GET", "HEAD"] {
        let mut request = get("http://a/");
        *request.method_mut() = method.parse().expect("a method");
        let whole = talk.whole(request).await.expect("an answer");
        assert_eq!(whole.body, "");
        assert_eq!(whole.headers["content-length"], "5", "{method}");
    }
    assert_eq!(raw.connections.load(Ordering::SeqCst), 1);
    let mut tunnel = get("http://a/");
    *tunnel.method_mut() = http::Method::CONNECT;
    let fault = talk.call(tunnel).await.err().expect("refused");
    assert_eq!(fault.kind, FaultKind::GuestError);
}

#[tokio::test]
async fn a_connection_on_which_a_request_is_still_under_way_takes_no_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let talk = Talk::new(listener.local_addr().expect("an address").port(), Contract::Http, "");
    tokio::spawn(async move {
        // Answers as soon as it sees a head, and reads on without a word.
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
                    if stream.read_buf(&mut seen).await.is_ok_and(|read| read == 0) {
                        return;
                    }
                }
                let early = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!";
                stream.write_all(early.as_bytes()).await.expect("an early answer");
                let _rest = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    for _ in 0..3 {
        let (sender, pieces) = streamed();
        let request = Request::post("http://a/").body(pieces).expect("a request");
        let whole = talk.whole(request).await.expect("an answer");
        assert_eq!((whole.status, whole.body.as_str()), (413, "no!"));
        drop(sender);
    }
    within(talk.server.settled()).await;
}

#[tokio::test]
async fn a_connection_that_waited_for_long_is_not_used_again() {
    let raw = Raw::start(|_| answer("200 OK", &[], "")).await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    talk.whole(get("http://a/")).await.expect("an answer");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    talk.whole(get("http://a/")).await.expect("an answer");
    assert_eq!(raw.connections.load(Ordering::SeqCst), 2);
}
