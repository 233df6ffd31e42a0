//! TLS at the door: who gets in, and what the engine learns of them.

use crate::client::Client;
use crate::relay::{Papers, Relay, localhost, protocols};
use crate::stage::{Theatre, port};
use casemate_gateway::{Aids, Challenges, Config, Door};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

fn tls_door(papers: &Papers) -> Vec<Door> {
    vec![Door::tls(port(), Arc::new(papers.server()))]
}

/// Waits until so many handshakes have failed, and gives them by reason.
fn failures(theatre: &Theatre, count: u64) -> Vec<(&'static str, u64)> {
    let counts = theatre.handle.as_ref().unwrap().counts();
    let failed = || counts.handshakes_failed().iter().map(|(_, count)| count).sum::<u64>();
    while failed() < count {
        std::thread::yield_now();
    }
    assert_eq!(failed(), count);
    counts.handshakes_failed()
}

#[test]
fn what_comes_over_tls_is_secure_and_what_comes_beside_it_is_not() {
    let papers = Papers::make();
    let mut doors = tls_door(&papers);
    let plain = port();
    let address = plain.local_addr().unwrap();
    doors.push(Door::plain(plain));
    let theatre = Theatre::with_doors(Config::default(), doors, Aids::default());
    let relay = Relay::open(theatre.address(), papers.client(&[]));
    assert_eq!(Client::connect(relay.address).get("/tls").text(), "hello");
    assert_eq!(Client::connect(address).get("/tcp").text(), "hello");
    let seen = theatre.stage.seen.lock().unwrap();
    let of = |target: &str| seen.iter().find(|seen| seen.target == target).unwrap();
    assert!(of("/tls").secure && !of("/tcp").secure);
    assert_eq!((&of("/tls").certificate, &of("/tcp").certificate), (&None, &None));
}

#[test]
fn a_certificate_that_was_proved_reaches_the_engine_and_another_does_not_get_in() {
    let (papers, visitor, stranger) = (Papers::make(), Papers::make(), Papers::make());
    let verifier = WebPkiClientVerifier::builder(Arc::new(visitor.roots()))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let builder = rustls::ServerConfig::builder().with_client_cert_verifier(verifier);
    let chain = vec![papers.certificate.clone()];
    let config = builder.with_single_cert(chain, papers.key.clone_key()).unwrap();
    let doors = vec![Door::tls(port(), Arc::new(config))];
    let theatre = Theatre::with_doors(Config::default(), doors, Aids::default());
    let with = |who: &Papers| {
        let builder = ClientConfig::builder().with_root_certificates(papers.roots());
        let chain = vec![who.certificate.clone()];
        let config = builder.with_client_auth_cert(chain, who.key.clone_key()).unwrap();
        Relay::open(theatre.address(), config)
    };
    let relay = with(&visitor);
    assert_eq!(Client::connect(relay.address).get("/known").text(), "hello");
    let relay = with(&stranger);
    let mut client = Client::connect(relay.address);
    client.send("GET /stranger HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(client.reply().is_err());
    let reason = "the client's certificate was missing or not valid";
    assert_eq!(failures(&theatre, 1), [(reason, 1)]);
    let seen = theatre.stage.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].certificate.as_deref(), Some(visitor.certificate.as_ref()));
}

#[test]
fn plain_http_on_a_tls_port_is_told_so() {
    let theatre =
        Theatre::with_doors(Config::default(), tls_door(&Papers::make()), Aids::default());
    let mut client = Client::connect(theatre.address());
    let reply = client.get("/");
    assert_eq!((reply.status, reply.code().as_str()), (400, "E0720"));
    assert_eq!(reply.header("connection"), Some("close"));
    client.assert_closed();
    assert_eq!(failures(&theatre, 1), [("no TLS spoken", 1)]);
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn a_handshake_that_does_not_end_is_cut_off() {
    let config = Config { head_timeout_ms: 200, ..Config::default() };
    let theatre = Theatre::with_doors(config, tls_door(&Papers::make()), Aids::default());
    for beginning in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut client = Client::connect(theatre.address());
        client.send(beginning);
        client.assert_closed();
    }
    assert_eq!(failures(&theatre, 3), [("too slow", 3)]);
}

#[test]
fn a_broken_handshake_is_counted_and_harms_nobody() {
    let theatre =
        Theatre::with_doors(Config::default(), tls_door(&Papers::make()), Aids::default());
    for bytes in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x16\x03\x09\xff\xff", &[0x16; 70_000]] {
        let mut socket = TcpStream::connect(theatre.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may have closed before all is sent.
        let _ = socket.write_all(bytes);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let reasons = failures(&theatre, 3);
    assert_eq!(reasons, [("broken messages", 3)]);
    assert_eq!(theatre.targets(), [""; 0]);
}

#[test]
fn a_look_at_the_certificate_ends_after_the_handshake() {
    let papers = Papers::make();
    let theatre = Theatre::with_doors(Config::default(), tls_door(&papers), Aids::default());
    let config = Arc::new(papers.client(&["acme-tls/1"]));
    let mut connection = ClientConnection::new(config, localhost()).unwrap();
    let mut socket = TcpStream::connect(theatre.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer.escape_ascii().to_string(), "");
    assert_eq!(connection.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    assert_eq!(theatre.targets(), [""; 0]);
}

struct Expected;

impl Challenges for Expected {
    fn answer(&self, host: Option<&str>, token: &str) -> Option<String> {
        (host == Some("a.example") && token == "tok").then(|| "tok.print".to_owned())
    }
}

#[test]
fn challenges_are_answered_in_the_clear_and_everything_else_is_sent_to_https() {
    let papers = Papers::make();
    let (redirecting, open) = (port(), port());
    let (to, beside) = (redirecting.local_addr().unwrap(), open.local_addr().unwrap());
    let mut doors = tls_door(&papers);
    doors.extend([Door::plain(redirecting).redirecting(8443), Door::plain(open)]);
    let aids = Aids { challenges: Some(Arc::new(Expected)), ..Aids::default() };
    let theatre = Theatre::with_doors(Config::default(), doors, aids);
    let ask = |address, path: &str, host: &str| {
        let mut client = Client::connect(address);
        client.send(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        client.reply().unwrap()
    };
    let path = "/.well-known/acme-challenge/tok";
    for address in [to, beside] {
        let reply = ask(address, path, "A.example:80");
        assert_eq!((reply.status, reply.text().as_str()), (200, "tok.print"));
        assert_eq!(reply.header("content-type"), Some("text/plain"));
    }
    // What nobody expects is routed like everything else.
    let reply = ask(to, path, "b.example");
    let location = "https://b.example:8443/.well-known/acme-challenge/tok";
    assert_eq!((reply.status, reply.header("location")), (308, Some(location)));
    assert_eq!(ask(beside, path, "b.example").text(), "hello");
    let reply = ask(to, "/a?b=c", "a.example:8080");
    assert_eq!(reply.header("location"), Some("https://a.example:8443/a?b=c"));
    let mut client = Client::connect(to);
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().unwrap().code(), "E0701");
    assert_eq!(theatre.targets(), [path]);
    // Over TLS a challenge is a path like any other.
    let relay = Relay::open(theatre.address(), papers.client(&[]));
    assert_eq!(ask(relay.address, path, "a.example").text(), "hello");
}

#[test]
fn a_client_without_trust_in_the_certificate_is_one_failed_handshake() {
    let theatre =
        Theatre::with_doors(Config::default(), tls_door(&Papers::make()), Aids::default());
    let builder = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = protocols(&["http/1.1"]);
    let relay = Relay::open(theatre.address(), config);
    let mut client = Client::connect(relay.address);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(client.reply().is_err());
    failures(&theatre, 1);
}
