//! Bytes flow only as fast as somebody takes them.

use crate::rig::{Door, PATIENCE, Server, get, head, ok, open, request, text};
use crate::tls::{Authority, secure};
use bytes::Bytes;
use casemate_egress::Config;
use futures_util::StreamExt;
use http::{Method, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use ports::host::Body;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const PIECE: usize = 8 << 10;
/// What the kernel and we may hold of one connection over loopback.
const HELD: usize = 16 << 20;

fn counted(
    count: &Arc<AtomicUsize>,
    pieces: usize,
) -> impl futures_util::Stream<Item = Bytes> + Send + use<> {
    let count = Arc::clone(count);
    futures_util::stream::iter((0..pieces).map(move |_| {
        count.fetch_add(PIECE, Ordering::SeqCst);
        Bytes::from_static(&[b'x'; PIECE])
    }))
}

/// Waits until a count stands still, and gives it.
async fn still(count: &AtomicUsize) -> usize {
    let mut last = usize::MAX;
    loop {
        let now = count.load(Ordering::SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn drain(mut response: Response<Body>) -> usize {
    let mut size = 0;
    while let Some(frame) = response.body_mut().frame().await {
        size += frame.expect("it goes on").data_ref().map_or(0, Bytes::len);
    }
    size
}

/// Memory of this process in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = text.split(' ').nth(1).expect("a field").parse().expect("a number");
    pages * 4096
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_its_server() {
    let count = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&count);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let count = Arc::clone(&own);
        async move {
            let _ = head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            for _ in 0..(64 << 20) / PIECE {
                if stream.write_all(&[b'x'; PIECE]).await.is_err() {
                    return;
                }
                count.fetch_add(PIECE, Ordering::SeqCst);
            }
        }
    });
    let door = Door::new(&open());
    let response = door.get(&server.await.url()).await.expect("a reply");
    assert!(still(&count).await < HELD);
    assert_eq!(drain(response).await, 64 << 20);
}

#[tokio::test]
async fn a_server_that_does_not_read_stops_the_guest() {
    let server = Server::start("127.0.0.1", |mut stream| async move {
        let _ = head(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let server = server.await;
    let count = Arc::new(AtomicUsize::new(0));
    let frames = counted(&count, (1 << 30) / PIECE).map(|data| Ok(Frame::data(data)));
    let body = StreamBody::new(frames).boxed_unsync();
    let door = Door::new(&open());
    let sent = tokio::spawn(door.send("one", request(Method::POST, &server.url(), body)));
    assert!(still(&count).await < HELD);
    sent.abort();
}

#[tokio::test]
async fn a_server_that_does_not_take_the_request_is_waited_for_only_so_long() {
    let server = Server::start("127.0.0.1", |mut stream| async move {
        let _ = head(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let server = server.await;
    let frames = counted(&Arc::default(), usize::MAX).map(|data| Ok(Frame::data(data)));
    let body = StreamBody::new(frames).boxed_unsync();
    let door = Door::limited(&open(), |limits| limits.first_byte = crate::rig::SOON);
    let error = door.send("one", request(Method::POST, &server.url(), body)).await;
    assert_eq!(error.expect_err("it is stuck").failure, ports::outbound::Failure::ReplyTimeout);
}

/// Whoever measures this process measures alone.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// 200 replies of 1 MiB that nobody reads, then all of them read.
async fn two_hundred(door: &Door, url: &str, sent: &AtomicUsize, each: usize) {
    let _alone = ALONE.lock().await;
    let before = resident();
    let asked: Vec<_> = (0..200).map(|_| tokio::spawn(door.send("one", get(url)))).collect();
    let mut replies = Vec::new();
    for reply in asked {
        replies.push(reply.await.expect("no panic").expect("a reply"));
    }
    let waiting = still(sent).await;
    let grown = resident().saturating_sub(before);
    assert!(waiting < 200 * each, "{waiting} bytes were sent and nobody read");
    assert!(grown < 64 << 20, "{grown} bytes were held, {waiting} were sent");
    let all: Vec<_> = replies.into_iter().map(|reply| tokio::spawn(drain(reply))).collect();
    for size in all {
        assert_eq!(size.await.expect("no panic"), 1 << 20);
    }
    assert_eq!(sent.load(Ordering::SeqCst), 200 << 20);
}

#[tokio::test]
async fn two_hundred_streams_of_http_1_1_hold_little() {
    let count = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&count);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let count = Arc::clone(&own);
        async move {
            let _ = head(&mut stream).await;
            let length = 1 << 20;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            for _ in 0..length / PIECE {
                count.fetch_add(PIECE, Ordering::SeqCst);
                let _ = stream.write_all(&[b'x'; PIECE]).await;
            }
        }
    });
    let server = server.await;
    // The kernel holds most of a reply for each; what matters here is our own memory.
    two_hundred(&Door::new(&open()), &server.url(), &count, (1 << 20) + 1).await;
}

#[tokio::test]
async fn replies_that_nobody_reads_do_not_stop_others_on_their_connection() {
    let ca = Authority::new();
    let server = ca.two("good.example", |request| {
        let pieces = if request.uri().path() == "/" { (64 << 20) / PIECE } else { 1 };
        let frames = counted(&Arc::default(), pieces).map(|data| Ok(Frame::data(data)));
        async move { Response::new(StreamBody::new(frames).boxed_unsync()) }
    });
    let server = server.await;
    let door = Door::new(&ca.trusted());
    let mut unread = Vec::new();
    for _ in 0..31 {
        unread.push(door.get(&secure(&server)).await.expect("a reply"));
    }
    let small = door.get(&(secure(&server) + "small")).await.expect("a reply");
    let size = tokio::time::timeout(PATIENCE, drain(small)).await.expect("it is not stopped");
    assert_eq!((size, server.accepted()), (PIECE, 1));
}

#[tokio::test]
async fn two_hundred_streams_of_http_2_hold_little() {
    let ca = Authority::new();
    let count = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&count);
    let server = ca.two("good.example", move |_| {
        let frames = counted(&own, (1 << 20) / PIECE).map(|data| Ok(Frame::data(data)));
        async move { Response::new(StreamBody::new(frames).boxed_unsync()) }
    });
    let server = server.await;
    let door = Door::new(&Config { idle_per_function: 16, ..ca.trusted() });
    // A window of 64 KiB for each, and what the server holds ready.
    two_hundred(&door, &secure(&server), &count, 128 << 10).await;
    assert!(server.accepted() <= 7, "{} connections", server.accepted());
}

#[tokio::test]
async fn two_hundred_requests_that_nobody_takes_hold_little() {
    let (go, _) = tokio::sync::watch::channel(false);
    let gate = go.clone();
    // So that the kernel takes little of each.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 << 10).expect("a size");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let server = Server::on(socket.listen(1024).expect("a port"), move |mut stream| {
        let mut gate = gate.subscribe();
        async move {
            let _ = head(&mut stream).await;
            gate.wait_for(|go| *go).await.expect("it opens");
            let mut taken = 0;
            let mut piece = vec![0; 64 << 10];
            while taken < 4 << 20 {
                match stream.read(&mut piece).await {
                    Ok(size) if size > 0 => taken += size,
                    _ => return,
                }
            }
            let _ = stream.write_all(ok("all of it").as_bytes()).await;
        }
    });
    let _alone = ALONE.lock().await;
    let before = resident();
    let (door, count) = (Door::new(&open()), Arc::new(AtomicUsize::new(0)));
    let all: Vec<_> = (0..200)
        .map(|_| {
            let frames = counted(&count, (4 << 20) / PIECE).map(|data| Ok(Frame::data(data)));
            let mut request =
                request(Method::POST, &server.url(), StreamBody::new(frames).boxed_unsync());
            request.headers_mut().insert("content-length", (4 << 20).into());
            tokio::spawn(door.send("one", request))
        })
        .collect();
    let waiting = still(&count).await;
    let grown = resident().saturating_sub(before);
    assert!(waiting < 200 * (4 << 20), "all of it was taken from the guests");
    assert!(grown < 64 << 20, "{grown} bytes were held, {waiting} were taken");
    go.send_replace(true);
    for sent in all {
        let reply = sent.await.expect("no panic").expect("a reply");
        assert_eq!(text(reply).await.expect("whole"), "all of it");
    }
    assert_eq!(count.load(Ordering::SeqCst), 200 * (4 << 20));
}
