//! What servers are sent.

use crate::rig::{Door, Server, empty, full, ok, open, pieces, request, text, until};
use http::{Method, Request};
use parking_lot::Mutex;
use ports::host::{Body, HostError};
use ports::outbound::Failure;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A server that keeps all that it is sent, and `<end>` when the connection ends. It answers once
/// a head and `end` were seen.
async fn keeper(end: &'static str) -> (Server, Arc<Mutex<String>>) {
    let kept = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&kept);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let into = Arc::clone(&into);
        async move {
            let mut answered = false;
            while let Ok(byte) = stream.read_u8().await {
                into.lock().push(char::from(byte));
                let head_and_end = |text: &str| {
                    let head = text.find("\r\n\r\n");
                    head.is_some_and(|head| text[head + 4..].ends_with(end))
                };
                if !answered && head_and_end(&into.lock()) {
                    answered = true;
                    let _ = stream.write_all(ok("thanks").as_bytes()).await;
                }
            }
            into.lock().push_str("<end>");
        }
    });
    (server.await, kept)
}

/// What a server is sent for a request.
async fn seen(end: &'static str, make: impl FnOnce(&str) -> Request<Body>) -> String {
    let (server, kept) = keeper(end).await;
    let door = Door::new(&open());
    let reply = door.send("one", make(&server.url())).await.expect("a reply");
    assert_eq!(text(reply).await.expect("whole"), "thanks");
    kept.lock().replace(&server.address.to_string(), "HOST")
}

#[tokio::test]
async fn a_request_has_one_host_and_no_fields_of_a_connection() {
    let seen = seen("", |url| {
        let mut request = request(Method::GET, &format!("{url}a/b?c=d"), empty());
        for (name, value) in [
            ("connection", "keep-alive, x-drop"),
            ("x-drop", "1"),
            ("x-keep", "2"),
            ("proxy-authorization", "Basic eA=="),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
        ] {
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        request
    });
    assert_eq!(seen.await, "GET /a/b?c=d HTTP/1.1\r\nx-keep: 2\r\nhost: HOST\r\n\r\n");
}

#[tokio::test]
async fn a_body_says_its_length_or_comes_in_chunks() {
    let known = seen("hello", |url| request(Method::POST, url, full("hello"))).await;
    assert!(
        known.contains("content-length: 5\r\n") && !known.contains("transfer-encoding"),
        "{known}"
    );
    let chunks = || pieces([Ok("hel"), Ok("lo")]);
    let streamed = seen("0\r\n\r\n", move |url| request(Method::POST, url, chunks())).await;
    assert!(streamed.contains("transfer-encoding: chunked\r\n"), "{streamed}");
    assert!(streamed.ends_with("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), "{streamed}");
    let said = seen("hello", move |url| {
        let mut request = request(Method::PUT, url, chunks());
        request.headers_mut().insert("content-length", 5.into());
        request
    });
    let said = said.await;
    assert!(said.contains("content-length: 5\r\n") && said.ends_with("\r\n\r\nhello"), "{said}");
}

#[tokio::test]
async fn the_body_of_a_get_is_not_lost() {
    let there = seen("0\r\n\r\n", |url| request(Method::GET, url, pieces([Ok("query")])));
    assert!(there.await.ends_with("5\r\nquery\r\n0\r\n\r\n"));
    let absent = seen("", |url| request(Method::GET, url, pieces([]))).await;
    assert!(
        !absent.contains("transfer-encoding") && !absent.contains("content-length"),
        "{absent}"
    );
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_was_said_smuggles_nothing() {
    let evil = "GET /admin HTTP/1.1\r\nhost: x\r\n\r\n";
    for (said, end, body, good) in [
        (3, "abc", vec![Ok("abc"), Ok(evil)], true),
        (0, "", vec![Ok(evil)], true),
        (3, "abc", vec![Ok("abcd"), Ok(evil)], false),
        (3, "abc", vec![Ok("ab")], false),
        (3, "abc", vec![Ok("a"), Ok(evil)], false),
    ] {
        let (server, kept) = keeper(end).await;
        let door = Door::new(&open());
        let mut request = request(Method::POST, &server.url(), pieces(body));
        request.headers_mut().insert("content-length", said.into());
        match door.send("one", request).await {
            Ok(response) => assert!(good && text(response).await.is_ok()),
            Err(error) => assert_eq!((good, error.failure), (false, Failure::RequestBody)),
        }
        drop(door);
        until("the connection ends", || kept.lock().ends_with("<end>")).await;
        assert!(!kept.lock().contains("/admin"), "{}", kept.lock());
    }
}

#[tokio::test]
async fn lengths_and_hosts_that_could_be_read_differently_are_refused() {
    let server = Server::says(ok("")).await;
    let door = Door::new(&open());
    for (name, values) in [
        ("content-length", &["1", "2"][..]),
        ("content-length", &["5, 5"]),
        ("content-length", &["6"]),
        ("content-length", &["-1"]),
        ("host", &["other.example"]),
    ] {
        let mut request = request(Method::POST, &server.url(), full("hello"));
        for value in values {
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        let error = door.send("one", request).await.expect_err("it is refused");
        assert_eq!(error.failure, Failure::Request, "{name}: {values:?}");
    }
    for method in ["CONNECT", "TRACE"] {
        let request = request(method.parse().expect("a method"), &server.url(), empty());
        let error = door.send("one", request).await.expect_err("it is refused");
        assert_eq!(error.failure, Failure::Request, "{method}");
    }
    for url in ["ftp://127.0.0.1/", "http://user:password@127.0.0.1/", "http://127.0.0.1:99999/"] {
        let error = door.get(url).await.expect_err("it is refused");
        assert_eq!(error.failure, Failure::Request, "{url}");
        assert!(!error.detail.contains("password"), "{error}");
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_sent_as_if_it_were_whole() {
    let (server, kept) = keeper("0\r\n\r\n").await;
    let body = pieces([Ok("half"), Err(HostError::Failed)]);
    let sent = Door::new(&open()).send("one", request(Method::POST, &server.url(), body)).await;
    assert_eq!(sent.expect_err("it broke off").failure, Failure::RequestBody);
    until("the connection ends", || kept.lock().ends_with("<end>")).await;
    assert!(!kept.lock().contains("\r\n0\r\n"), "{}", kept.lock());
}
