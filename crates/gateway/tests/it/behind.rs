//! Behind proxies: who is believed, and what is counted for whom.

use crate::client::Client;
use crate::relay::Papers;
use crate::stage::{Seen, Theatre, port};
use casemate_gateway::{Aids, Config, Door, Proxies, Says};
use std::sync::Arc;

fn trusting(network: &str) -> Config {
    let proxies = Proxies { trusted: vec![network.parse().unwrap()], says: Says::XForwarded };
    Config { proxies, ..Config::default() }
}

fn seen_from(config: Config, lines: &str) -> Seen {
    let theatre = Theatre::open(config);
    let mut client = theatre.connect();
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n"));
    assert_eq!(client.reply().unwrap().status, 200);
    theatre.stage.seen.lock().unwrap()[0].clone()
}

fn header<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    seen.headers.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
}

const FORGED: &str = "x-forwarded-for: 6.6.6.6, 192.0.2.1\r\nx-forwarded-proto: https\r\n\
                      x-forwarded-host: b.example\r\nforwarded: for=6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n";

#[test]
fn a_trusted_proxy_is_believed_as_far_as_it_saw() {
    let seen = seen_from(trusting("127.0.0.0/8"), FORGED);
    assert_eq!((seen.peer, seen.secure), ("192.0.2.1".parse().unwrap(), true));
    assert_eq!(header(&seen, "x-forwarded-for"), Some("192.0.2.1"));
    assert_eq!(header(&seen, "x-forwarded-proto"), Some("https"));
    assert_eq!(header(&seen, "x-forwarded-host"), Some("b.example"));
    assert_eq!(header(&seen, "forwarded"), Some("for=192.0.2.1;proto=https"));
    assert_eq!(header(&seen, "x-real-ip"), None);
}

#[test]
fn nobody_else_is() {
    for config in [Config::default(), trusting("192.0.2.0/24")] {
        let seen = seen_from(config, FORGED);
        assert!(seen.peer.is_loopback() && !seen.secure);
        assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(header(&seen, "x-forwarded-proto"), Some("http"));
        assert_eq!(header(&seen, "x-forwarded-host"), None);
        assert_eq!(header(&seen, "forwarded"), Some("for=127.0.0.1;proto=http"));
    }
}

#[test]
fn a_huge_list_costs_nothing_but_its_place() {
    let list = vec!["10.0.0.1"; 3_000].join(",");
    let seen = seen_from(trusting("0.0.0.0/0"), &format!("x-forwarded-for: {list}\r\n"));
    assert_eq!(seen.peer, "10.0.0.1".parse::<std::net::IpAddr>().unwrap());
    assert_eq!(header(&seen, "x-forwarded-for"), Some("10.0.0.1"));
}

fn proxied(config: Config) -> Theatre {
    Theatre::with_doors(config, vec![Door::plain(port()).proxied()], Aids::default())
}

const LINE: &str = "PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n";

#[test]
fn the_proxy_protocol_names_the_client_in_both_versions() {
    let theatre = proxied(trusting("127.0.0.0/8"));
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14".to_vec();
    second.extend([192, 0, 2, 1, 10, 0, 0, 1, 0, 80, 1, 187, 0x20, 0, 5, 1, 0, 0, 0, 0]);
    for (head, secure) in [(LINE.as_bytes(), false), (&second, true)] {
        let mut client = theatre.connect();
        // Byte by byte, and with the request right behind it.
        for byte in head {
            client.send([*byte]);
        }
        assert_eq!(client.get("/").text(), "hello");
        let mut client = theatre.connect();
        client.send([head, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"].concat());
        assert_eq!(client.reply().unwrap().text(), "hello");
        let seen = std::mem::take(&mut *theatre.stage.seen.lock().unwrap());
        assert_eq!(seen.len(), 2);
        for seen in seen {
            assert_eq!((seen.peer, seen.secure), ("192.0.2.1".parse().unwrap(), secure));
            assert_eq!(header(&seen, "x-forwarded-for"), Some("192.0.2.1"));
        }
    }
    // The proxy asks for itself.
    let mut client = theatre.connect();
    client.send(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    assert_eq!(client.get("/").text(), "hello");
    assert!(theatre.stage.seen.lock().unwrap()[0].peer.is_loopback());
}

#[test]
fn a_connection_without_a_header_or_from_elsewhere_is_closed() {
    let config = || Config { head_timeout_ms: 300, ..trusting("127.0.0.0/8") };
    let theatre = proxied(config());
    for bytes in ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", "PROXY NOTHING\r\n", "PROXY TCP4 1", ""] {
        let mut client = theatre.connect();
        client.send(bytes);
        assert_eq!(client.rest().unwrap_or_default(), b"", "{bytes}");
    }
    assert_eq!(theatre.targets(), [""; 0]);
    let theatre = proxied(Config { head_timeout_ms: 300, ..trusting("192.0.2.0/24") });
    let mut client = theatre.connect();
    client.send(format!("{LINE}GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    assert_eq!(client.rest().unwrap_or_default(), b"");
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn the_header_stands_before_tls() {
    use std::io::{Read, Write};
    let papers = Papers::make();
    let door = Door::tls(port(), Arc::new(papers.server())).proxied();
    let theatre = Theatre::with_doors(trusting("127.0.0.0/8"), vec![door], Aids::default());
    let mut socket = std::net::TcpStream::connect(theatre.address()).unwrap();
    socket.write_all(LINE.as_bytes()).unwrap();
    let config = Arc::new(papers.client(&["http/1.1"]));
    let name = crate::relay::localhost();
    let mut connection = rustls::ClientConnection::new(config, name).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = theatre.stage.seen.lock().unwrap()[0].clone();
    assert_eq!((seen.peer, seen.secure), ("192.0.2.1".parse().unwrap(), true));
}

#[test]
fn connections_are_counted_for_the_client_and_not_for_the_proxy() {
    let config = Config { connections_per_address_max: 1, ..trusting("127.0.0.0/8") };
    let theatre = proxied(config);
    let open = |line: &str| {
        let mut client = theatre.connect();
        client.send(line);
        let status = client.get("/").status;
        (client, status)
    };
    let (_first, status) = open(LINE);
    assert_eq!(status, 200);
    let (_again, status) = open(LINE);
    assert_eq!(status, 429);
    let (_other, status) = open("PROXY TCP4 192.0.2.2 10.0.0.1 4711 443\r\n");
    assert_eq!(status, 200);
    // Without the protocol, a proxy's connections are anybody's.
    let config = Config { connections_per_address_max: 1, ..trusting("127.0.0.0/8") };
    let theatre = Theatre::open(config);
    let mut clients: Vec<Client> = (0..3).map(|_| theatre.connect()).collect();
    assert!(clients.iter_mut().all(|client| client.get("/").status == 200));
}
