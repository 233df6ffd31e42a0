//! Clients that go away, and bodies that nobody reads.

use casemate_gateway::Config;

fn leave(request: &str) {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send(request);
    theatre.wait_for("started");
    drop(client);
    theatre.wait_for("stopped");
}

#[test]
fn a_client_that_leaves_stops_a_guest_that_has_not_answered() {
    leave("GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn a_client_that_leaves_stops_a_guest_that_is_silent_in_its_answer() {
    leave("GET /mute HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn a_client_that_leaves_stops_a_guest_that_writes_without_end() {
    leave("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn a_client_that_leaves_in_its_body_stops_the_guest() {
    leave("POST /never HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf");
    leave("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf");
}

#[test]
fn a_client_that_leaves_stops_a_guest_that_let_go_of_the_body() {
    leave("POST /deaf HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf");
    let body = "x".repeat(300_000);
    leave(&format!("POST /deaf HTTP/1.1\r\nhost: a\r\ncontent-length: 400000\r\n\r\n{body}"));
}

#[test]
fn a_client_that_leaves_with_more_requests_sent_stops_the_guest() {
    leave("GET /never HTTP/1.1\r\nhost: a\r\n\r\nGET /next HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn a_body_that_nobody_reads_never_becomes_a_request() {
    let theatre = super::open(Config::default());
    let evil = "GET /evil HTTP/1.1\r\nhost: a\r\n\r\n";
    for copies in [1, 10, 300, 3_000, 30_000] {
        let body = evil.repeat(copies);
        let length = body.len();
        for path in ["/ignore", "/refuse"] {
            let mut client = theatre.connect();
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
            let mut writer = client.socket.try_clone().unwrap();
            let bytes =
                format!("{head}{body}GET /after HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            // The server may close before all is sent.
            let sender = std::thread::spawn(move || {
                let _ = std::io::Write::write_all(&mut writer, bytes.as_bytes());
            });
            let reply = client.reply().unwrap();
            assert!(matches!(reply.status, 200 | 401), "{}", reply.status);
            // Either the next request is answered, or the connection ends.
            if let Ok(reply) = client.reply() {
                assert_eq!(reply.text(), "hello");
            } else {
                assert!(copies > 1, "a small body must not cost the connection");
            }
            drop(client);
            sender.join().unwrap();
        }
    }
    assert!(!theatre.targets().contains(&"/evil".to_owned()));
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let theatre = super::open(Config::default());
    for _ in 0..10 {
        let mut client = theatre.connect();
        client.send("POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: 6000000\r\n\r\n");
        client.send(vec![b'x'; 6_000_000]);
        let reply = client.reply().unwrap();
        assert_eq!((reply.status, reply.header("connection")), (401, Some("close")));
        client.assert_closed();
    }
}
