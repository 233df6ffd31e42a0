//! Time and number.

use casemate_gateway::Config;

fn quick() -> Config {
    Config { head_timeout_ms: 150, body_idle_ms: 150, idle_ms: 150, ..Config::default() }
}

#[test]
fn a_head_that_does_not_end_is_answered_with_408() {
    let theatre = super::open(quick());
    let mut client = theatre.connect();
    assert_eq!(client.get("/").status, 200);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n");
    let reply = client.reply().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (408, "E0704"));
    assert_eq!(reply.header("connection"), Some("close"));
    client.assert_closed();
    assert_eq!(theatre.targets(), ["/"]);
}

#[test]
fn silent_connections_are_closed_without_a_word() {
    let theatre = super::open(quick());
    theatre.connect().assert_closed();
    let mut client = theatre.connect();
    assert_eq!(client.get("/").status, 200);
    client.assert_closed();
}

#[test]
fn a_body_that_stalls_ends_the_request() {
    let theatre = super::open(quick());
    let mut client = theatre.connect();
    client.send("POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello");
    let reply = client.reply().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (408, "E0704"));
    assert_eq!(reply.header("connection"), Some("close"));
    client.assert_closed();
}

#[test]
fn a_body_that_goes_on_may_take_longer_than_the_limit() {
    let theatre = super::open(Config { body_idle_ms: 1_500, ..Config::default() });
    let mut client = theatre.connect();
    client.send("POST /whole HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n");
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        client.send("x");
    }
    assert_eq!(client.reply().unwrap().status, 200);
}

#[test]
fn connections_beyond_an_addresses_share_are_told_so() {
    let theatre = super::open(Config { connections_per_address_max: 2, ..Config::default() });
    let mut first = theatre.connect();
    let mut second = theatre.connect();
    assert_eq!((first.get("/1").status, second.get("/2").status), (200, 200));
    let mut third = theatre.connect();
    let reply = third.get("/3");
    assert_eq!((reply.status, reply.code().as_str()), (429, "E0709"));
    assert_eq!(
        (reply.header("retry-after"), reply.header("connection")),
        (Some("1"), Some("close"))
    );
    third.assert_closed();
    assert_eq!((first.get("/1").status, second.get("/2").status), (200, 200));
    assert!(!theatre.targets().contains(&"/3".to_owned()));
}

#[test]
fn connections_beyond_the_nodes_room_are_told_so() {
    let theatre = super::open(Config { connections_max: 1, ..Config::default() });
    let mut first = theatre.connect();
    assert_eq!(first.get("/1").status, 200);
    let mut second = theatre.connect();
    let reply = second.get("/2");
    assert_eq!((reply.status, reply.code().as_str()), (503, "E0707"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    drop((first, second));
    // A connection that ends makes room, soon.
    let again = (0..1_000).any(|_| theatre.connect().get("/3").status == 200);
    assert!(again);
}

#[test]
fn work_is_spread_over_the_workers() {
    let theatre = super::open(Config { workers: 2, ..Config::default() });
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = theatre.connect();
            client.send("GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
            theatre.wait_for("started");
            client
        })
        .collect();
    assert_eq!(theatre.stage.live.load(std::sync::atomic::Ordering::SeqCst), clients.len());
}
