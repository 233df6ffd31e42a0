//! Connections that are used again, and those that never are.

use crate::rig::{Door, SOON, Server, get, head, ok, open, request, text, until};
use bytes::Bytes;
use casemate_egress::Config;
use futures_util::StreamExt;
use http::Method;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_connection_is_used_again_by_its_own_function_only() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&open());
    for _ in 0..5 {
        assert_eq!(door.text(&server.url()).await, "hello");
    }
    assert_eq!(server.accepted(), 1);
    let other = door.send("two", get(&server.url())).await.expect("a reply");
    assert_eq!(text(other).await.expect("whole"), "hello");
    assert_eq!(server.accepted(), 2, "another function has a connection of its own");
    assert_eq!(door.text(&server.url()).await, "hello");
    assert_eq!(server.accepted(), 2);
}

/// Requests are made by threads that come and go; connections live elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_outlive_the_thread_that_wanted_them() {
    let server = Server::says(ok("hello")).await;
    let door = Arc::new(Door::new(&open()));
    for _ in 0..3 {
        let (door, url) = (Arc::clone(&door), server.url());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async { door.text(&url).await })
        });
        let joined = tokio::task::spawn_blocking(|| thread.join()).await.expect("no panic");
        assert_eq!(joined.expect("no panic"), "hello");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_name_and_its_address_have_connections_of_their_own() {
    let server = Server::says(ok("hello")).await;
    let hosts = [("a.example".to_owned(), vec![server.address.ip()])].into();
    let door = Door::new(&Config { hosts, ..open() });
    let port = server.address.port();
    door.text(&format!("http://a.example:{port}/")).await;
    door.text(&server.url()).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn replies_without_a_body_give_their_connection_back() {
    let server = Server::says("HTTP/1.1 204 No Content\r\n\r\n").await;
    let door = Door::new(&open());
    for _ in 0..3 {
        door.get(&server.url()).await.expect("a reply");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_made_anew() {
    let server = Server::says_once(ok("hello")).await;
    let door = Door::new(&open());
    for _ in 0..20 {
        assert_eq!(door.text(&server.url()).await, "hello");
    }
}

#[tokio::test]
async fn what_a_server_sends_unasked_is_nobodys_reply() {
    let server = Server::says(ok("hello") + &ok("evil")).await;
    let door = Door::new(&open());
    for _ in 0..5 {
        assert_eq!(door.text(&server.url()).await, "hello");
    }
    assert_eq!(server.accepted(), 5);
}

#[tokio::test]
async fn a_reply_that_was_not_read_to_its_end_takes_its_connection_along() {
    let closed = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&closed);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let _ = head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
            let _ = stream.read_u8().await;
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server.await;
    let door = Door::new(&open());
    drop(door.get(&server.url()).await.expect("a reply"));
    until("the connection is closed", || closed.load(Ordering::SeqCst) == 1).await;
    drop(door.get(&server.url()).await.expect("a reply"));
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_along() {
    let closed = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&closed);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let _ = head(&mut stream).await;
            let _ = stream.read_u8().await;
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server.await;
    let door = Door::new(&open());
    assert!(tokio::time::timeout(SOON, door.get(&server.url())).await.is_err());
    until("the connection is closed", || closed.load(Ordering::SeqCst) == 1).await;
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_reply_that_comes_early_ends_the_request() {
    let server = Server::says(ok("enough")).await;
    let door = Door::new(&open());
    let dropped = Arc::new(AtomicUsize::new(0));
    for time in 1..=3 {
        let held = Dropped(Arc::clone(&dropped));
        let begins = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"x")))]);
        let never = futures_util::stream::pending().map(move |frame| {
            let _ = &held;
            frame
        });
        let body = StreamBody::new(begins.chain(never)).boxed_unsync();
        let reply = door.send("one", request(Method::POST, &server.url(), body)).await;
        assert_eq!(text(reply.expect("a reply")).await.expect("whole"), "enough");
        until("the request's body is let go", || dropped.load(Ordering::SeqCst) == time).await;
        assert_eq!(server.accepted(), time, "nothing follows half a request");
    }
}

#[tokio::test]
async fn what_is_not_used_is_closed() {
    let closed = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&closed);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            while head(&mut stream).await.is_some() {
                let _ = stream.write_all(ok("hello").as_bytes()).await;
            }
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server.await;
    let door = Door::new(&Config { idle: Duration::from_millis(50), ..open() });
    door.text(&server.url()).await;
    until("the connection is closed", || closed.load(Ordering::SeqCst) == 1).await;
    door.text(&server.url()).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_connection_grows_old() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&Config { age: Duration::ZERO, ..open() });
    door.text(&server.url()).await;
    door.text(&server.url()).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn few_connections_wait() {
    let server = Server::says(ok("hello")).await;
    for (config, together) in [
        (Config { idle_per_function: 2, ..open() }, 2),
        (Config { idle_per_node: 1, ..open() }, 1),
        (Config { idle_per_function: 0, ..open() }, 0),
    ] {
        let door = Door::new(&config);
        let before = server.accepted();
        for _ in 0..2 {
            let url = server.url();
            let six: Vec<_> = (0..6).map(|_| door.text(&url)).collect();
            futures_util::future::join_all(six).await;
        }
        assert_eq!(server.accepted() - before, 12 - together);
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_door_that_is_gone() {
    let closed = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&closed);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            while head(&mut stream).await.is_some() {
                let _ = stream.write_all(ok("hello").as_bytes()).await;
            }
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server.await;
    let door = Door::new(&open());
    door.text(&server.url()).await;
    drop(door);
    until("the connection is closed", || closed.load(Ordering::SeqCst) == 1).await;
}
