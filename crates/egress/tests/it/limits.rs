//! How much is under way at a time.

use crate::rig::{Door, Server, get, head, ok, open, text};
use casemate_egress::Config;
use ports::outbound::Failure;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

/// A server that answers when it is let.
async fn held() -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&gate);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let gate = Arc::clone(&own);
        async move {
            while head(&mut stream).await.is_some() {
                gate.acquire().await.expect("open").forget();
                let _ = stream.write_all(ok("hello").as_bytes()).await;
            }
        }
    });
    (server.await, gate)
}

#[tokio::test]
async fn a_function_has_so_many_requests_under_way_and_no_more() {
    let (server, gate) = held().await;
    let door = Door::new(&Config { per_function: 3, ..open() });
    let mut waiting: Vec<_> =
        (0..3).map(|_| tokio::spawn(door.send("one", get(&server.url())))).collect();
    crate::rig::until("three are there", || server.accepted() == 3).await;
    let error = door.get(&server.url()).await.expect_err("one too many");
    assert_eq!(error.failure, Failure::Connections);
    assert_eq!(server.accepted(), 3, "nothing was dialled for it");
    let other = tokio::spawn(door.send("two", get(&server.url())));
    crate::rig::until("another function's is there", || server.accepted() == 4).await;
    // One that is given up makes room, and so does one that was read.
    waiting.pop().expect("three").abort();
    let more = tokio::spawn(door.send("one", get(&server.url())));
    crate::rig::until("there is room", || server.accepted() == 5).await;
    gate.add_permits(10);
    for reply in waiting.into_iter().chain([other, more]) {
        let reply = reply.await.expect("no panic").expect("a reply");
        assert_eq!(text(reply).await.expect("whole"), "hello");
    }
    assert_eq!(door.text(&server.url()).await, "hello");
}

#[tokio::test]
async fn a_reply_that_is_not_read_keeps_its_place() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&Config { per_function: 1, ..open() });
    let unread = door.get(&server.url()).await.expect("a reply");
    assert_eq!(door.failure(&server.url()).await, Failure::Connections);
    assert_eq!(text(unread).await.expect("whole"), "hello");
    assert_eq!(door.text(&server.url()).await, "hello");
}

#[tokio::test]
async fn the_node_has_so_many_requests_under_way_and_no_more() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&Config { per_node: 1, ..open() });
    let unread = door.send("one", get(&server.url())).await.expect("a reply");
    let error = door.send("two", get(&server.url())).await.expect_err("the node is full");
    assert_eq!(error.failure, Failure::Connections);
    assert!(error.detail.contains("the node"), "{error}");
    drop(unread);
    door.send("two", get(&server.url())).await.expect("there is room");
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_answered_or_refused() {
    let server = Server::says(ok("hello")).await;
    let door = Door::new(&Config { per_function: 64, ..open() });
    let all = (0..1000).map(|_| tokio::spawn(door.send("one", get(&server.url()))));
    let all: Vec<_> = all.collect();
    let (mut good, mut refused) = (0, 0);
    for reply in all {
        match reply.await.expect("no panic") {
            Ok(reply) => {
                assert_eq!(text(reply).await.expect("whole"), "hello");
                good += 1;
            }
            Err(error) => {
                assert_eq!(error.failure, Failure::Connections);
                refused += 1;
            }
        }
    }
    assert!(good >= 64, "{good} were good and {refused} refused");
    assert!(server.accepted() <= 1000 - refused);
    assert_eq!(door.text(&server.url()).await, "hello");
}
