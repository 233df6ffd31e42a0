//! Draining and aborting.

use crate::client::Client;
use casemate_gateway::{Config, Drained, Handle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

fn drain(handle: Handle, grace: Duration) -> Drained {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(handle.drain(grace))
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_drain_under_load_loses_no_request() {
    let mut theatre = super::open(Config { workers: 2, ..Config::default() });
    let (address, entrance) = (theatre.address(), theatre.entrance());
    let answered = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
            std::thread::spawn(move || {
                let path = if number % 2 == 0 { "/later" } else { "/" };
                let mut client = Client::connect(entrance);
                // Whoever is told to close stops; nobody may be cut off before that.
                while !stop.load(Ordering::SeqCst) {
                    let reply = client.get(path);
                    assert_eq!(reply.status, 200);
                    answered.fetch_add(1, Ordering::SeqCst);
                    if reply.header("connection") == Some("close") {
                        client.assert_closed();
                        return true;
                    }
                }
                false
            })
        })
        .collect();
    while answered.load(Ordering::SeqCst) < 500 {
        std::thread::yield_now();
    }
    let drained = drain(theatre.handle.take().unwrap(), LONG);
    stop.store(true, Ordering::SeqCst);
    assert!(clients.into_iter().all(|client| client.join().unwrap()));
    assert_eq!(drained.aborted, 0);
    assert!(drained.finished >= 16, "{drained:?}");
    assert_eq!(theatre.targets().len(), answered.load(Ordering::SeqCst));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn silent_connections_do_not_hold_up_a_drain() {
    let mut theatre = super::open(Config::default());
    let mut used = theatre.connect();
    let mut unused = theatre.connect();
    assert_eq!(used.get("/").status, 200);
    let drained = drain(theatre.handle.take().unwrap(), LONG);
    assert_eq!(drained.aborted, 0);
    used.assert_closed();
    unused.assert_closed();
}

#[test]
fn what_does_not_finish_in_time_is_dropped() {
    let mut theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    theatre.wait_for("started");
    let drained = drain(theatre.handle.take().unwrap(), Duration::from_millis(50));
    assert_eq!(drained.aborted, 1);
    theatre.wait_for("stopped");
    assert_eq!(client.rest().unwrap_or_default(), b"");
}

#[test]
fn a_streaming_answer_is_finished_before_the_connection_closes() {
    let mut theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.chunk().unwrap().unwrap(), b"a");
    let handle = theatre.handle.take().unwrap();
    let address = handle.address();
    let drained = std::thread::spawn(move || drain(handle, LONG));
    // The drain has begun when nobody listens any more.
    while std::net::TcpStream::connect(address).is_ok() {}
    client.send("1\r\nb\r\n");
    assert_eq!(client.chunk().unwrap().unwrap(), b"b");
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk().unwrap(), None);
    client.assert_closed();
    drop(client);
    assert_eq!(drained.join().unwrap(), Drained { finished: 1, aborted: 0 });
}

#[test]
fn an_abort_drops_everything_at_once() {
    let mut theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("GET /mute HTTP/1.1\r\nhost: a\r\n\r\n");
    theatre.wait_for("started");
    theatre.handle.take().unwrap().abort();
    theatre.wait_for("stopped");
    assert!(client.reply().is_err());
}
