//! Servers that answer garbage, half or twice, hang up, never come, or die.

use super::rig::{Raw, Talk, answer, get, post, read};
use model::Limits;
use model::manifest::Contract;
use ports::executor::{Fault, FaultKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// What comes of a call that is answered with these bytes, after which the server hangs up.
async fn answered(bytes: Vec<u8>, limits: Limits) -> Result<String, Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let talk = Talk::limited(
        listener.local_addr().expect("an address").port(),
        Contract::Http,
        "",
        limits,
    );
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut buffer = [0; 4096];
        let _request = stream.read(&mut buffer).await;
        let _sent = stream.write_all(&bytes).await;
    });
    let answer = talk.call(get("http://a/")).await?;
    Ok(read(answer).await?.body)
}

#[tokio::test]
async fn each_bad_answer_is_a_fault_of_its_kind() {
    use FaultKind::{BadResponse, NoResponse, ResponseTooLarge};
    let limits =
        || Limits { headers: 4, header_bytes: 100, response_body_bytes: 10, ..Limits::default() };
    let fields = |count: usize| "a: b\r\n".repeat(count);
    let table: Vec<(String, Result<&str, FaultKind>)> = vec![
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".into(), Ok("hi")),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the".into(), Ok("until the")),
        ("HTTP/1.0 200 OK\r\n\r\nold".into(), Ok("old")),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".into(), Ok("x")),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n".into(), Ok("hi")),
        (String::new(), Err(NoResponse)),
        ("HTTP/1.1 200 OK\r\ncontent-le".into(), Err(NoResponse)),
        ("hello, this is no HTTP at all\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/2 200\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 20 OK\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 999 Whatever\r\ncontent-length: 0\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhi".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhi".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhi".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\nno field\r\n\r\n".into(), Err(BadResponse)),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", fields(5)), Err(BadResponse)),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", fields(5000)), Err(BadResponse)),
        (format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(100)), Err(BadResponse)),
        (format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(100_000)), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ncasemate-invocation: x\r\n\r\n".into(), Err(BadResponse)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n01234567890".into(), Err(ResponseTooLarge)),
        ("HTTP/1.1 200 OK\r\n\r\n01234567890".into(), Err(ResponseTooLarge)),
    ];
    for (bytes, expected) in table {
        let got = answered(bytes.clone().into_bytes(), limits()).await;
        let kind = got.as_ref().map(String::as_str).map_err(|fault| fault.kind);
        assert_eq!(kind, expected, "{:.100}: {got:?}", bytes.escape_debug().to_string());
    }
}

#[tokio::test]
async fn a_second_answer_to_one_request_reaches_nobody() {
    let count = AtomicUsize::new(0);
    let raw = Raw::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let mut both = answer("200 OK", &[], &format!("good {number}"));
        both.extend(answer("200 OK", &[], "again"));
        both
    })
    .await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    for number in 0..20 {
        let whole = talk.whole(get("http://a/")).await.expect("an answer");
        assert_eq!(whole.body, format!("good {number}"));
    }
}

#[tokio::test]
async fn a_connection_that_died_between_two_calls_is_replaced() {
    let raw = Raw::start(|seen| {
        // Says that it stays, and hangs up.
        let mut bytes = answer("200 OK", &["x-keeps: its word not"], &seen.body);
        bytes.truncate(if seen.line.contains("/silent") { 0 } else { bytes.len() });
        bytes
    })
    .await;
    let talk = Talk::new(raw.port, Contract::Http, "");
    assert!(talk.whole(get("http://a/")).await.is_ok());
    // The server hangs up in the middle of this one, which was sent: it is not sent again.
    let fault = talk.whole(post("http://a/silent", "text/plain", "pay")).await.expect_err("cut");
    assert_eq!(fault.kind, FaultKind::NoResponse);
    let sent = raw.seen.lock().iter().filter(|seen| seen.line.contains("/silent")).count();
    assert_eq!(sent, 1);
    assert!(talk.whole(get("http://a/")).await.is_ok());
}

#[tokio::test]
async fn a_server_that_closes_after_every_answer_is_called_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let talk = Talk::new(listener.local_addr().expect("an address").port(), Contract::Http, "");
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                let _sent = stream.write_all(&answer("200 OK", &[], "once")).await;
            }
        }
    });
    for _ in 0..10 {
        // Time for the server's FIN to arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(talk.whole(get("http://a/")).await.expect("an answer").body, "once");
    }
}

#[tokio::test]
async fn a_process_that_dies_in_the_middle_is_said_to_have_died() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let talk =
        Arc::new(Talk::new(listener.local_addr().expect("an address").port(), Contract::Http, ""));
    let process = Arc::clone(&talk.process);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut buffer = [0; 4096];
            let _request = stream.read(&mut buffer).await;
            let _sent = stream.write_all(begun.as_bytes()).await;
            drop(stream);
            process.end("exit code 3");
        }
    });
    for _ in 0..2 {
        let fault = talk.whole(get("http://a/")).await.expect_err("it died");
        assert_eq!(fault.kind, FaultKind::Trapped);
        assert!(fault.reason.contains("exit code 3"), "{}", fault.reason);
    }
}

#[tokio::test]
async fn a_server_that_never_comes_is_named_with_its_port() {
    let talk = Talk::new(1, Contract::CloudRun, r#","start":"100ms","port":8123"#);
    let fault = talk.ready().await.expect_err("never");
    assert_eq!(fault.kind, FaultKind::NoResponse);
    assert!(fault.reason.contains("port 8123") && fault.reason.contains("100 ms"), "{fault}");
    let fault = talk.whole(get("http://a/")).await.expect_err("never");
    assert_eq!(fault.kind, FaultKind::NoResponse);
}

#[tokio::test]
async fn a_server_that_is_never_ready_is_waited_for_no_longer() {
    let raw = Raw::start(|_| answer("503 Service Unavailable", &[], "")).await;
    let more = r#","start":"100ms","server":{"probe":"/healthz"}"#;
    let fault = Talk::new(raw.port, Contract::Knative, more).ready().await.expect_err("never");
    assert_eq!(fault.kind, FaultKind::NoResponse);
    assert!(fault.reason.contains("`/healthz`"), "{fault}");
    assert!(raw.last().line.starts_with("GET /healthz "));
}
