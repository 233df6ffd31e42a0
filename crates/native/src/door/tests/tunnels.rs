//! What comes through a CONNECT.

use super::super::Passing;
use super::rig::{FakeHost, PATIENCE, Rig};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn tunnel(rig: &Rig, to: &str) -> TcpStream {
    let mut stream = TcpStream::connect(rig.proxy).await.expect("a connection");
    let ask = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// A client that trusts the jail's authority alone.
fn client(rig: &Rig) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rig.authority.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    builder.with_root_certificates(roots).with_no_client_auth()
}

async fn tls(
    config: rustls::ClientConfig,
    stream: TcpStream,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn exchange(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    host: &str,
) -> String {
    let request = format!("GET /p?q HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an end");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn requests_in_the_clear_are_for_the_host_of_their_tunnel() {
    let rig = Rig::new();
    for (tunnel_to, host, asked) in [
        ("api.example:80", "api.example", "http://api.example/p?q"),
        ("api.example:80", "API.example:80", "http://API.example:80/p?q"),
        ("api.example:8080", "api.example:8080", "http://api.example:8080/p?q"),
    ] {
        let answer = exchange(tunnel(&rig, tunnel_to).await, host).await;
        assert!(answer.contains(&format!("GET {asked} 0\n")), "{answer}");
    }
    rig.asked();
    for host in ["evil.example", "api.example:81", "api.example, evil.example"] {
        let answer = exchange(tunnel(&rig, "api.example:80").await, host).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{host}: {answer}");
    }
    let two =
        exchange(tunnel(&rig, "api.example:80").await, "api.example\r\nhost: b.example").await;
    assert!(two.starts_with("HTTP/1.1 400"), "{two}");
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn our_own_interface_is_found_through_a_tunnel_too() {
    let rig = Rig::new();
    let mut stream = tunnel(&rig, "host.casemate.internal:80").await;
    let request = "GET /keyvalue/s HTTP/1.1\r\nhost: host.casemate.internal\r\nconnection: \
                   close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("an answer");
    assert!(all.ends_with("{\"keys\":[],\"more\":false}"), "{all}");
    let answer = exchange(
        tunnel(&rig, "shipping.fn.casemate.internal:80").await,
        "shipping.fn.casemate.internal",
    )
    .await;
    assert!(answer.contains("GET http://shipping.fn.casemate.internal/p?q 0"), "{answer}");
}

#[tokio::test]
async fn tls_ends_in_the_node_under_the_jails_authority() {
    let rig = Rig::new();
    let stream = tunnel(&rig, "api.example:443").await;
    let stream = tls(client(&rig), stream, "api.example").await.expect("TLS");
    let answer = exchange(stream, "api.example").await;
    assert!(answer.contains("GET https://api.example/p?q 0\n"), "{answer}");
    // The name of the request is held to the tunnel's in there, too.
    let stream = tunnel(&rig, "api.example:443").await;
    let stream = tls(client(&rig), stream, "api.example").await.expect("TLS");
    let answer = exchange(stream, "evil.example").await;
    assert!(answer.starts_with("HTTP/1.1 421") && answer.contains("E0932"), "{answer}");
    // And a refusal is one that can be read.
    let stream = tunnel(&rig, "denied.example:443").await;
    let stream = tls(client(&rig), stream, "denied.example").await.expect("TLS");
    let answer = exchange(stream, "denied.example").await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("E0203"), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_names_another_host_is_refused_in_the_words_of_tls() {
    let rig = Rig::new();
    let stream = tunnel(&rig, "api.example:443").await;
    let error = tls(client(&rig), stream, "evil.example").await.expect_err("refused");
    assert!(error.to_string().to_lowercase().contains("unrecogni"), "{error}");
    let said = rig.host.said.lock().join("\n");
    assert!(said.contains("api.example:443 names evil.example"), "{said}");
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn who_does_not_trust_the_jail_finds_out_why_in_the_log() {
    let rig = Rig::new();
    let stranger = Rig::new();
    let stream = tunnel(&rig, "api.example:443").await;
    tls(client(&stranger), stream, "api.example").await.expect_err("not trusted");
    while rig.host.said.lock().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let said = rig.host.said.lock().join("\n");
    assert!(said.contains("api.example:443") && said.contains("SSL_CERT_FILE"), "{said}");
}

#[tokio::test]
async fn a_handshake_that_names_no_host_is_for_the_tunnels() {
    let rig = Rig::with(FakeHost { opaque: true, ..FakeHost::default() });
    let stream = tunnel(&rig, "192.0.2.7:443").await;
    let stream = tls(client(&rig), stream, "192.0.2.7").await.expect("TLS");
    let answer = exchange(stream, "192.0.2.7").await;
    assert!(answer.contains("GET https://192.0.2.7/p?q 0\n"), "{answer}");
    assert_eq!(rig.asked(), ["GET https://192.0.2.7/p?q"]);
}

#[tokio::test]
async fn tls_passes_untouched_where_the_host_says_so() {
    let rig = Rig::with(FakeHost { opaque: true, keeps: true, ..FakeHost::default() });
    let mut stream = tunnel(&rig, "api.example:443").await;
    let hello = super::super::hello::tests::sample("api.example");
    // The host of this test sends back what it got; in two records, and in pieces.
    let pieces = super::super::hello::tests::in_records(&hello, 100);
    for piece in pieces.chunks(17) {
        stream.write_all(piece).await.expect("sent");
    }
    let mut back = vec![0; pieces.len()];
    stream.read_exact(&mut back).await.expect("all of it");
    assert_eq!(back, pieces);
    stream.write_all(b"and more").await.expect("sent");
    stream.shutdown().await.expect("half closed");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the end");
    assert_eq!(rest, b"and more");
    assert_eq!(rig.asked(), ["Opaque api.example:443"]);
}

#[tokio::test]
async fn nothing_passes_untouched_into_a_jail_that_trusts_nobody_else() {
    let host = FakeHost { opaque: true, ..FakeHost::default() };
    let rig = Rig::made(host, Passing::Never);
    let stream = tunnel(&rig, "api.example:443").await;
    let stream = tls(client(&rig), stream, "api.example").await.expect("TLS");
    let answer = exchange(stream, "api.example").await;
    assert!(answer.contains("GET https://api.example/p?q 0\n"), "{answer}");
    assert_eq!(rig.asked(), ["GET https://api.example/p?q"]);
}

#[tokio::test]
async fn what_may_hide_another_name_never_passes_untouched() {
    let rig = Rig::with(FakeHost { opaque: true, ..FakeHost::default() });
    let mut stream = tunnel(&rig, "api.example:443").await;
    let hello = super::super::hello::tests::encrypted("api.example");
    stream.write_all(&hello).await.expect("sent");
    // Somebody answered the handshake, and it was not a mirror.
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.expect("an answer");
    assert_ne!(head, hello[..6]);
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn noise_in_a_tunnel_ends_it() {
    let rig = Rig::new();
    for noise in
        [&b"\x16\x03\x01\x00\x00"[..], b"\x16\x04\x01\x00\x05hello", b"\x16\x03\x01\xff\xff"]
    {
        let mut stream = tunnel(&rig, "api.example:443").await;
        stream.write_all(noise).await.expect("sent");
        let mut all = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an end");
        assert_eq!(all, [21, 3, 3, 0, 2, 2, 50], "{noise:?}");
    }
    for noise in [&b"SSH-2.0-x\r\n"[..], b"\x00\x01\x02\r\n\r\n"] {
        let mut stream = tunnel(&rig, "api.example:22").await;
        stream.write_all(noise).await.expect("sent");
        let mut all = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an end");
    }
    assert_eq!(rig.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_does() {
    let rig = Rig::new();
    let mut config = client(&rig);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tunnel(&rig, "api.example:443").await;
    let stream = tls(config, stream, "api.example").await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.expect("HTTP/2");
    tokio::spawn(connection);
    for (url, status) in [("https://api.example/p", 200), ("https://evil.example/p", 421)] {
        let request = http::Request::get(url).body(http_body_util::Empty::<bytes::Bytes>::new());
        let response = sender.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(response.status(), status);
    }
    assert_eq!(rig.asked(), ["GET https://api.example/p"]);
}
