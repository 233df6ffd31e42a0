//! Servers that misbehave.

use crate::rig::{Door, SOON, Server, head, ok, open, text, until};
use ports::outbound::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_reply_comes_through_without_the_fields_of_its_connection() {
    let server = Server::says(
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n\
         HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\nkeep-alive: timeout=5\r\n\
         connection: x-private\r\nx-private: 1\r\nx-public: 2\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    let response = Door::new(&open()).get(&server.await.url()).await.expect("a reply");
    assert_eq!(response.status().as_u16(), 201);
    let names: Vec<&str> = response.headers().keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["x-public"]);
    assert_eq!(text(response).await.expect("whole"), "hello");
}

#[tokio::test]
async fn what_is_no_reply_is_a_fault_of_the_protocol() {
    for reply in [
        "garbage\r\n\r\n".to_owned(),
        "\0\0\0\0\0\0\0\0\0\r\n\r\n".to_owned(),
        "HTTP/1.1 999999 X\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nx".to_owned(),
    ] {
        let server = Server::says_once(&*reply).await;
        let failure = Door::new(&open()).failure(&server.url()).await;
        assert_eq!(failure, Failure::Protocol, "{reply:?}");
    }
}

#[tokio::test]
async fn a_head_has_its_limits() {
    let door = Door::new(&open());
    let wide = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(100 << 10));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20));
    for reply in [wide, many, endless] {
        let server = Server::says_once(reply).await;
        assert_eq!(door.failure(&server.url()).await, Failure::TooLarge);
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_is_never_whole() {
    let door = Door::new(&open());
    for reply in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let server = Server::says_once(reply).await;
        assert_eq!(door.failure(&server.url()).await, Failure::Cut, "{reply:?}");
    }
}

/// A server that sends a beginning, and then waits until the other side closes.
async fn stops_after(beginning: &'static str) -> (Server, Arc<AtomicBool>) {
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&closed);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let _ = head(&mut stream).await;
            let _ = stream.write_all(beginning.as_bytes()).await;
            let _ = stream.read_u8().await;
            seen.store(true, Ordering::SeqCst);
        }
    });
    (server.await, closed)
}

#[tokio::test]
async fn a_head_that_does_not_come_is_waited_for_only_so_long() {
    for beginning in ["", "HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (server, closed) = stops_after(beginning).await;
        let door = Door::limited(&open(), |limits| limits.first_byte = SOON);
        assert_eq!(door.failure(&server.url()).await, Failure::ReplyTimeout, "{beginning:?}");
        until("the connection is closed", || closed.load(Ordering::SeqCst)).await;
    }
}

#[tokio::test]
async fn a_head_in_single_bytes_is_waited_for_only_so_long() {
    let server = Server::start("127.0.0.1", |mut stream| async move {
        let _ = head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(b"y").await.is_ok() {
            tokio::time::sleep(SOON / 20).await;
        }
    });
    let door = Door::limited(&open(), |limits| limits.first_byte = SOON);
    let server = server.await;
    assert_eq!(door.failure(&server.url()).await, Failure::ReplyTimeout);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_waited_for_only_so_long() {
    let (server, closed) = stops_after("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    let door = Door::limited(&open(), |limits| limits.between_bytes = SOON);
    assert_eq!(door.failure(&server.url()).await, Failure::Silence);
    until("the connection is closed", || closed.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_reply_is_no_larger_than_it_may_be() {
    let small = |limits: &mut ports::outbound::Limits| limits.response_bytes = 5;
    let door = Door::limited(&open(), small);
    assert_eq!(door.text(&Server::says(ok("hello")).await.url()).await, "hello");
    let said = door.get(&Server::says(ok("hello!")).await.url()).await;
    assert_eq!(said.expect_err("its head says so").failure, Failure::TooLarge);
    let chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n";
    assert_eq!(door.failure(&Server::says(chunks).await.url()).await, Failure::TooLarge);
}

#[tokio::test]
async fn an_endless_reply_ends_at_its_limit_and_the_server_is_left() {
    let left = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&left);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let _ = head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
            seen.store(true, Ordering::SeqCst);
        }
    });
    let door = Door::limited(&open(), |limits| limits.response_bytes = 1 << 20);
    assert_eq!(door.failure(&server.await.url()).await, Failure::TooLarge);
    until("the server is left", || left.load(Ordering::SeqCst)).await;
}
