//! Connections that carry whatever a function says.

use crate::rig::{PATIENCE, SOON, Server, empty, function, named, open, pieces, until};
use bytes::Bytes;
use casemate_egress::{Config, Egress};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use model::Destination;
use ports::Outbound;
use ports::host::{Body, HostError};
use ports::outbound::{ConnectLimits, Connecting, Connection, Error, Failure};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

const LIMITS: ConnectLimits =
    ConnectLimits { connect: PATIENCE, idle: PATIENCE, received_bytes: u64::MAX };

fn door(config: &Config) -> Egress {
    Egress::open(config, Handle::current()).expect("a good configuration")
}

async fn connect_with(
    door: &Egress,
    to: &str,
    sent: Body,
    limits: ConnectLimits,
) -> Result<Connection, Error> {
    let destination = Destination::parse(to).expect("a destination");
    let connecting = Connecting { function: function("one"), destination, sent, limits };
    timeout(PATIENCE, door.connect(connecting)).await.expect("in time")
}

async fn connect(to: &Server, sent: Body, limits: ConnectLimits) -> Body {
    let connected = connect_with(&door(&open()), &to.address.to_string(), sent, limits).await;
    let connection = connected.expect("a connection");
    assert_eq!(connection.address, to.address);
    connection.received
}

async fn all(received: Body) -> Result<String, HostError> {
    let bytes = timeout(PATIENCE, received.collect()).await.expect("in time")?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn next(received: &mut Body) -> String {
    let frame = timeout(PATIENCE, received.frame()).await.expect("in time").expect("more");
    let bytes = frame.expect("no error").into_data().expect("bytes");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A body that is written by the test, frame by frame; its end is the sender's.
fn written() -> (mpsc::Sender<Result<Bytes, HostError>>, Body) {
    let (sender, mut frames) = mpsc::channel(1);
    let body = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
    let body = futures_util::StreamExt::map(body, |piece: Result<_, _>| piece.map(Frame::data));
    (sender, StreamBody::new(body).boxed_unsync())
}

/// Pieces without end, and how many were taken.
fn endless() -> (Arc<AtomicUsize>, Body) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let piece = Bytes::from(vec![7; 64 << 10]);
    let pieces = std::iter::repeat_with(move || {
        count.fetch_add(1, SeqCst);
        Ok(Frame::data(piece.clone()))
    });
    (taken, StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync())
}

/// Waits until a count does not grow any more.
async fn settled(count: &AtomicUsize) -> usize {
    loop {
        let before = count.load(SeqCst);
        sleep(SOON).await;
        if before > 0 && count.load(SeqCst) == before {
            return before;
        }
    }
}

async fn echo() -> Server {
    Server::start("127.0.0.1", |mut stream| async move {
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
        let _ = write.shutdown().await;
    })
    .await
}

#[tokio::test]
async fn bytes_go_both_ways_as_they_come() {
    let server = echo().await;
    let (sender, sent) = written();
    let mut received = connect(&server, sent, LIMITS).await;
    for text in ["one", "two"] {
        sender.send(Ok(text.into())).await.expect("taken");
        assert_eq!(next(&mut received).await, text);
    }
    drop(sender);
    assert_eq!(all(received).await, Ok(String::new()), "the end of one is the end of the other");
}

#[tokio::test]
async fn each_half_is_closed_by_itself() {
    // The server answers when it has read all.
    let server = Server::start("127.0.0.1", |mut stream| async move {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("text");
        stream.write_all(format!("{text}?").as_bytes()).await.expect("taken");
    });
    let received = connect(&server.await, pieces([Ok("all"), Ok(" of it")]), LIMITS).await;
    assert_eq!(all(received).await, Ok("all of it?".to_owned()));

    // The server says all that it has to say, and goes on reading.
    let (heard, said) = oneshot::channel();
    let heard = parking(heard);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let heard = heard.lock().expect("alone").take().expect("one connection");
        async move {
            stream.write_all(b"bye").await.expect("taken");
            stream.shutdown().await.expect("open");
            let mut text = String::new();
            stream.read_to_string(&mut text).await.expect("text");
            let _ = heard.send(text);
        }
    });
    let server = server.await;
    let (sender, sent) = written();
    let mut received = connect(&server, sent, LIMITS).await;
    assert_eq!(next(&mut received).await, "bye");
    assert!(timeout(PATIENCE, received.frame()).await.expect("in time").is_none(), "its end");
    sender.send(Ok("still here".into())).await.expect("taken");
    drop(sender);
    assert_eq!(timeout(PATIENCE, said).await.expect("in time").expect("sent"), "still here");
}

fn parking<T>(value: T) -> std::sync::Mutex<Option<T>> {
    std::sync::Mutex::new(Some(value))
}

#[tokio::test]
async fn only_what_was_checked_is_dialled() {
    let server = echo().await;
    let port = server.address.port();
    let closed = named(&[]);
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "[64:ff9b::7f00:1]", "169.254.169.254"]
    {
        let refused =
            connect_with(&door(&closed), &format!("{host}:{port}"), empty(), LIMITS).await;
        assert_eq!(refused.err().expect(host).failure, Failure::Address, "{host}");
    }
    let mut config = named(&[]);
    config.hosts.insert("db.internal".to_owned(), vec![server.address.ip()]);
    let to = format!("db.internal:{port}");
    let refused = connect_with(&door(&config), &to, empty(), LIMITS).await.err().expect("closed");
    assert_eq!(refused.failure, Failure::Address);
    assert!(refused.detail.contains(&to) && refused.detail.contains("loopback"), "{refused}");
    assert_eq!(server.accepted(), 0, "nothing was dialled");
    config.networks = open().networks;
    let connection = connect_with(&door(&config), &to, pieces([Ok("hi")]), LIMITS).await;
    assert_eq!(all(connection.expect("open").received).await, Ok("hi".to_owned()));
    let nobody = connect_with(&door(&config), "no.such.name:1", empty(), LIMITS).await;
    assert_eq!(nobody.err().expect("no name").failure, Failure::Name);
}

#[tokio::test]
async fn nobody_listens_there() {
    let server = echo().await;
    let to = server.address.to_string();
    drop(server);
    let refused = loop {
        match connect_with(&door(&open()), &to, empty(), LIMITS).await {
            Err(error) => break error,
            // The listener is about to go.
            Ok(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!(refused.failure, Failure::Refused);
}

#[tokio::test]
async fn a_function_has_so_many_connections_and_no_more() {
    let server = echo().await;
    let to = server.address.to_string();
    let door = door(&Config { connections_per_function: 2, ..open() });
    let (_one, sent) = written();
    let first = connect_with(&door, &to, sent, LIMITS).await.expect("free");
    let (_two, sent) = written();
    let second = connect_with(&door, &to, sent, LIMITS).await.expect("free");
    let full = connect_with(&door, &to, empty(), LIMITS).await.err().expect("full");
    assert_eq!(full.failure, Failure::Connections);
    assert!(full.detail.contains("2 connections"), "{full}");
    drop(first);
    let third = connect_with(&door, &to, empty(), LIMITS).await.expect("free again");
    assert_eq!(server.accepted(), 3, "nothing was dialled for the one too many");
    drop((second, third));
}

/// A server that holds connections and neither reads nor writes.
async fn idle_server() -> Server {
    Server::start("127.0.0.1", |stream: TcpStream| async move {
        let _held = stream;
        std::future::pending().await
    })
    .await
}

#[tokio::test]
async fn a_server_that_does_not_read_stops_the_function_and_times_out() {
    let server = idle_server().await;
    let (taken, sent) = endless();
    let limits = ConnectLimits { idle: SOON * 4, ..LIMITS };
    let received = connect(&server, sent, limits).await;
    let held = settled(&taken).await;
    assert!(held < 512, "{held} pieces of 64 KiB were taken");
    assert_eq!(all(received).await, Err(HostError::Upstream(Failure::Silence)));
}

#[tokio::test]
async fn silence_both_ways_ends_a_connection() {
    let server = idle_server().await;
    let (_open, sent) = written();
    let received = connect(&server, sent, ConnectLimits { idle: SOON, ..LIMITS }).await;
    assert_eq!(all(received).await, Err(HostError::Upstream(Failure::Silence)));
    // And so it does when all was sent.
    let received = connect(&server, empty(), ConnectLimits { idle: SOON, ..LIMITS }).await;
    assert_eq!(all(received).await, Err(HostError::Upstream(Failure::Silence)));
}

#[tokio::test]
async fn what_drips_is_not_silent() {
    let server = Server::start("127.0.0.1", |mut stream| async move {
        for _ in 0..20 {
            sleep(Duration::from_millis(200)).await;
            stream.write_all(b".").await.expect("taken");
        }
    });
    let limits = ConnectLimits { idle: Duration::from_secs(3), ..LIMITS };
    let (_open, sent) = written();
    let received = connect(&server.await, sent, limits).await;
    assert_eq!(all(received).await, Ok(".".repeat(20)));
}

#[tokio::test]
async fn a_function_that_does_not_read_stops_its_server_and_still_sends() {
    let written = Arc::new(AtomicUsize::new(0));
    let read = Arc::new(AtomicUsize::new(0));
    let (out, into) = (Arc::clone(&written), Arc::clone(&read));
    let server = Server::start("127.0.0.1", move |stream| {
        let (out, into) = (Arc::clone(&out), Arc::clone(&into));
        async move {
            let (mut reading, mut writing) = stream.into_split();
            let writes = async {
                loop {
                    writing.write_all(&[7; 64 << 10]).await.expect("taken");
                    out.fetch_add(1, SeqCst);
                }
            };
            let reads = async {
                let mut buffer = [0; 1024];
                while let Ok(1..) = reading.read(&mut buffer).await {
                    into.fetch_add(1, SeqCst);
                }
            };
            tokio::join!(writes, reads);
        }
    });
    let (sender, sent) = self::written();
    let unread = connect(&server.await, sent, LIMITS).await;
    let pieces = settled(&written).await;
    assert!(pieces < 512, "{pieces} pieces of 64 KiB were sent");
    sender.send(Ok("hello".into())).await.expect("taken");
    until("it is read there", || read.load(SeqCst) > 0).await;
    drop(unread);
}

#[tokio::test]
async fn more_than_may_come_breaks_it_off() {
    let server = echo().await;
    let limits = ConnectLimits { received_bytes: 5, ..LIMITS };
    let received = connect(&server, pieces([Ok("hello")]), limits).await;
    assert_eq!(all(received).await, Ok("hello".to_owned()));
    let received = connect(&server, pieces([Ok("hello!")]), limits).await;
    assert_eq!(all(received).await, Err(HostError::Upstream(Failure::TooLarge)));
}

/// What a server saw of a connection: whether it ended well.
async fn watched() -> (Server, mpsc::Receiver<bool>) {
    let (ended, ends) = mpsc::channel(1);
    let server = Server::start("127.0.0.1", move |mut stream| {
        let ended = ended.clone();
        async move {
            let read = stream.read_to_end(&mut Vec::new()).await;
            let _ = ended.send(read.is_ok()).await;
        }
    });
    (server.await, ends)
}

#[tokio::test]
async fn what_breaks_off_is_not_taken_for_the_whole() {
    let (server, mut ends) = watched().await;
    let ended = async |ends: &mut mpsc::Receiver<bool>| {
        timeout(PATIENCE, ends.recv()).await.expect("in time").expect("the server lives")
    };
    let broke = HostError::Limit("bytes sent out".into());
    let received = connect(&server, pieces([Ok("half"), Err(broke.clone())]), LIMITS).await;
    assert_eq!(all(received).await, Err(broke), "it ends with what broke it off");
    assert!(!ended(&mut ends).await, "a reset");

    let (sender, sent) = written();
    let received = connect(&server, sent, LIMITS).await;
    sender.send(Ok("half".into())).await.expect("taken");
    drop(received);
    assert!(!ended(&mut ends).await, "a reset");
    assert!(sender.send(Ok("more".into())).await.is_err(), "nobody takes more of it");

    let received = connect(&server, pieces([Ok("whole")]), LIMITS).await;
    assert_eq!(all(received).await, Ok(String::new()));
    assert!(ended(&mut ends).await, "an end");
}

#[tokio::test]
async fn a_connection_is_read_on_another_runtime_than_its_own() {
    let server = echo().await;
    let door = door(&open());
    let to = server.address.to_string();
    let text = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        // Without timers and sockets: those are the door's.
        runtime.block_on(async {
            let destination = Destination::parse(&to).expect("a destination");
            let sent = pieces([Ok("hi")]);
            let connecting =
                Connecting { function: function("one"), destination, sent, limits: LIMITS };
            let connection = door.connect(connecting).await.expect("a connection");
            connection.received.collect().await.expect("whole").to_bytes()
        })
    });
    let text = tokio::task::spawn_blocking(|| text.join().expect("no panic")).await;
    assert_eq!(text.expect("no panic"), "hi");
}
