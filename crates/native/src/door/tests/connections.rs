//! Granted TCP destinations.

use super::super::{Door, Passing, forward, layout, open_granted};
use super::rig::{FakeHost, PATIENCE, Rig, listener, say};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

fn open(rig: &Rig, host: &str) -> (SocketAddr, Door) {
    let (listener, address) = listener();
    let place = (host.to_owned(), 5432);
    let door = forward(&Handle::current(), listener, place, Arc::clone(&rig.seat));
    (address, door.expect("a door"))
}

async fn waits_for(rig: &Rig, what: &str) {
    while rig.host.asked.lock().iter().all(|asked| asked != what) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn bytes_go_both_ways_and_each_side_ends_by_itself() {
    let rig = Rig::new();
    let (address, _door) = open(&rig, "db.internal");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    let (mut read, mut write) = stream.split();
    let all = async {
        let mut all = Vec::new();
        read.read_to_end(&mut all).await.map(|_| all)
    };
    let send = async {
        write.write_all(&sent).await?;
        write.shutdown().await
    };
    let (all, done) = tokio::join!(all, send);
    done.expect("sent");
    assert!(all.expect("received") == sent);
    assert_eq!(rig.asked(), ["Tcp db.internal:5432"]);
}

#[tokio::test]
async fn a_refused_destination_and_one_without_an_invocation_reset_the_connection() {
    let mut rig = Rig::new();
    let (denied, _door) = open(&rig, "denied.example");
    let (granted, _other) = open(&rig, "db.internal");
    let reset = |address| async move {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("an end");
        assert_eq!(read.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
    };
    reset(denied).await;
    rig.end();
    reset(granted).await;
    assert_eq!(rig.asked(), ["Tcp denied.example:5432"]);
}

#[tokio::test]
async fn a_connection_goes_on_with_the_next_invocation_if_it_may() {
    for keeps in [true, false] {
        let mut rig = Rig::with(FakeHost { keeps, ..FakeHost::default() });
        let (address, _door) = open(&rig, "db.internal");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"one").await.expect("sent");
        stream.read_exact(&mut [0; 3]).await.expect("back");
        assert_eq!(rig.asked(), ["Tcp db.internal:5432"]);
        for _ in 0..2 {
            rig.end();
            rig.begin();
            waits_for(&rig, "keep 7").await;
            rig.asked();
            let _ = stream.write_all(b"two").await;
            let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut [0; 3])).await;
            assert_eq!(read.expect("an answer or an end").is_ok(), keeps);
            if !keeps {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_jails_doors_are_opened_on_its_listeners_in_their_order() {
    let rig = Rig::new();
    let layout = layout([("db.internal", 5432), ("cache.internal", 6379)]).expect("laid out");
    let (listeners, addresses): (Vec<_>, Vec<_>) = [listener(), listener()].into_iter().unzip();
    let runtime = Handle::current();
    let _doors = open_granted(&runtime, listeners, &layout, &rig.seat).expect("doors");
    for (address, asked) in
        addresses.iter().zip(["Tcp db.internal:5432", "Tcp cache.internal:6379"])
    {
        let _stream = TcpStream::connect(address).await.expect("a connection");
        waits_for(&rig, asked).await;
    }
    assert!(open_granted(&runtime, Vec::new(), &layout, &rig.seat).is_err());
    let (authority, passing) = (Arc::clone(&rig.authority), Passing::Never);
    let none = super::super::open(&runtime, Vec::new(), &rig.seat, Arc::clone(&authority), passing);
    assert!(none.is_err());
    let ((first, proxy), (second, host)) = (listener(), listener());
    let all = vec![first, second];
    let _doors = super::super::open(&runtime, all, &rig.seat, authority, passing).expect("doors");
    let said = say(proxy, "GET http://a.example/ HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(said.contains("GET http://a.example/ 0"), "{said}");
    let ask = "GET / HTTP/1.1\r\nhost: host.casemate.internal\r\nconnection: close\r\n\r\n";
    let said = say(host, ask).await;
    assert!(said.contains("E0936"), "{said}");
}

#[tokio::test]
async fn a_door_that_is_closed_takes_its_connections_with_it() {
    let rig = Rig::new();
    let (address, door) = open(&rig, "db.internal");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"one").await.expect("sent");
    stream.read_exact(&mut [0; 3]).await.expect("back");
    drop(door);
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("an end");
    assert!(!matches!(read, Ok(1)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
