//! TLS and HTTP/2.

use crate::rig::{Door, PATIENCE, Server, full, get, head, named, ok, open, pieces, request, text};
use bytes::Bytes;
use casemate_egress::{Config, Egress};
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ports::host::HostError;
use ports::outbound::Failure;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

type Reply = Response<http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>>;

/// An authority that signs for tests.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), certificate.pem()).expect("it is written");
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A configuration that trusts it, in which loopback addresses may be reached, one of them
    /// by name.
    pub(crate) fn trusted(&self) -> Config {
        let hosts = [("good.example".to_owned(), vec!["127.0.0.1".parse().expect("an address")])];
        Config { authorities: vec![self.file.path().to_owned()], hosts: hosts.into(), ..open() }
    }

    fn acceptor(&self, names: &[&str], protocols: &[&str], expired: bool) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        if expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let mut config =
            builder.with_no_client_auth().with_single_cert(chain, key).expect("a pair");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server of HTTP/2 under that name.
    pub(crate) async fn two<F>(
        &self,
        name: &str,
        answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    ) -> Server
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let acceptor = self.acceptor(&[name], &["h2", "http/1.1"], false);
        Server::start("127.0.0.1", move |stream| {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request| {
                    let answered = answer(request);
                    async move { Ok::<_, Infallible>(answered.await) }
                });
                let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server
                    .max_send_buf_size(16 << 10)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        })
        .await
    }

    /// A server of HTTP/1.1 behind a certificate.
    async fn one(&self, names: &[&str], expired: bool) -> Server {
        let acceptor = self.acceptor(names, &["http/1.1"], expired);
        Server::start("127.0.0.1", move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: Request<Incoming>| async move {
                    let host = request.headers()["host"].to_str().expect("text").to_owned();
                    Ok::<_, Infallible>(reply(&format!("{:?} {host}", request.version())))
                });
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        })
        .await
    }
}

pub(crate) fn reply(text: &str) -> Reply {
    let body = http_body_util::Full::new(Bytes::copy_from_slice(text.as_bytes()));
    Response::new(body.map_err(|never| match never {}).boxed_unsync())
}

pub(crate) fn secure(server: &Server) -> String {
    format!("https://good.example:{}/", server.address.port())
}

async fn echo(request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let te = parts.headers.get("te").and_then(|te| te.to_str().ok()).unwrap_or("none");
    let head = format!("{:?} {} {} te={te} ", parts.version, parts.method, parts.uri);
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().map_or(0, HeaderMap::len);
    let body = String::from_utf8(body.to_bytes().to_vec()).expect("text");
    reply(&format!("{head}body={body} trailers={trailers}"))
}

#[tokio::test]
async fn http_2_is_spoken_where_a_server_does() {
    let ca = Authority::new();
    let server = ca.two("good.example", echo).await;
    let door = Door::new(&ca.trusted());
    let url = secure(&server);
    assert_eq!(door.text(&url).await, format!("HTTP/2.0 GET {url} te=none body= trailers=0"));
    let mut post = request(Method::POST, &url, pieces([Ok("hel"), Ok("lo")]));
    post.headers_mut().insert("te", "trailers".parse().expect("a value"));
    post.headers_mut().insert("connection", "te".parse().expect("a value"));
    let posted = text(door.send("one", post).await.expect("a reply")).await.expect("whole");
    assert_eq!(posted, format!("HTTP/2.0 POST {url} te=trailers body=hello trailers=0"));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn many_requests_share_few_connections_of_http_2_and_functions_share_none() {
    let ca = Authority::new();
    let server = ca.two("good.example", echo).await;
    let door = Door::new(&ca.trusted());
    let url = secure(&server);
    let all: Vec<_> = (0..100).map(|_| tokio::spawn(door.send("one", get(&url)))).collect();
    for sent in all {
        let reply = sent.await.expect("no panic").expect("a reply");
        assert!(text(reply).await.expect("whole").starts_with("HTTP/2.0 GET"));
    }
    // 32 at a time on one connection.
    assert!(server.accepted() <= 4, "{} connections", server.accepted());
    let before = server.accepted();
    door.send("two", get(&url)).await.expect("a reply");
    assert_eq!(server.accepted(), before + 1);
}

#[tokio::test]
async fn requests_to_a_server_of_http_1_1_do_not_wait_for_each_others_handshakes() {
    let ca = Authority::new();
    let acceptor = ca.acceptor(&["good.example"], &["http/1.1"], false);
    let together = Arc::new(tokio::sync::Barrier::new(8));
    // The first connection is answered at once, and the next eight when all of them are there.
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let server = Server::start("127.0.0.1", move |stream| {
        let (acceptor, together, first) =
            (acceptor.clone(), Arc::clone(&together), Arc::clone(&first));
        async move {
            if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                together.wait().await;
            }
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while head(&mut stream).await.is_some() {
                let _ = stream.write_all(ok("hello").as_bytes()).await;
            }
        }
    });
    let server = server.await;
    let door = Door::new(&ca.trusted());
    let held = door.get(&secure(&server)).await.expect("a reply");
    let url = secure(&server);
    let all: Vec<_> = (0..8).map(|_| door.get(&url)).collect();
    for reply in futures_util::future::join_all(all).await {
        assert_eq!(text(reply.expect("a reply")).await.expect("whole"), "hello");
    }
    drop(held);
}

#[tokio::test]
async fn a_head_of_http_2_has_its_limits() {
    let ca = Authority::new();
    let server = ca.two("good.example", |_| async {
        let mut reply = reply("x");
        let long = "y".repeat(100 << 10).parse().expect("a value");
        reply.headers_mut().insert("x-long", long);
        reply
    });
    let server = server.await;
    let failure = Door::new(&ca.trusted()).failure(&secure(&server)).await;
    assert_eq!(failure, Failure::Protocol);
}

#[tokio::test]
async fn trailers_come_through_both_ways() {
    let ca = Authority::new();
    let server = ca.two("good.example", |request: Request<Incoming>| async {
        let body = request.into_body().collect().await.expect("a body");
        let mut trailers = body.trailers().cloned().unwrap_or_default();
        trailers.insert("x-back", 1.into());
        trailers.insert("content-length", 7.into());
        let frames = [Ok(Frame::data(Bytes::from_static(b"x"))), Ok(Frame::trailers(trailers))];
        Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
    });
    let server = server.await;
    let door = Door::new(&ca.trusted());
    let mut trailers = HeaderMap::new();
    trailers.insert("x-there", 1.into());
    trailers.insert("transfer-encoding", "chunked".parse().expect("a value"));
    let frames: [Result<_, HostError>; 2] =
        [Ok(Frame::data(Bytes::from_static(b"x"))), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let reply =
        door.send("one", request(Method::POST, &secure(&server), body)).await.expect("a reply");
    let whole = reply.into_body().collect().await.expect("whole");
    let names: Vec<&str> =
        whole.trailers().expect("trailers").keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["x-there", "x-back"]);
}

#[tokio::test]
async fn a_server_of_http_1_1_is_spoken_to_behind_a_certificate() {
    let ca = Authority::new();
    let server = ca.one(&["good.example"], false).await;
    let door = Door::new(&ca.trusted());
    let port = server.address.port();
    for _ in 0..3 {
        assert_eq!(door.text(&secure(&server)).await, format!("HTTP/1.1 good.example:{port}"));
    }
    assert_eq!(server.accepted(), 1);
    let url = secure(&server);
    let together: Vec<_> = (0..5).map(|_| door.get(&url)).collect();
    for reply in futures_util::future::join_all(together).await {
        text(reply.expect("a reply")).await.expect("whole");
    }
}

#[tokio::test]
async fn a_certificate_is_for_the_name_and_for_now_and_from_who_is_trusted() {
    let ca = Authority::new();
    let door = Door::new(&ca.trusted());
    let wrong = ca.one(&["other.example"], false).await;
    assert_eq!(door.failure(&secure(&wrong)).await, Failure::Certificate);
    let expired = ca.one(&["good.example"], true).await;
    assert_eq!(door.failure(&secure(&expired)).await, Failure::Certificate);
    let stranger = Authority::new();
    let unknown = stranger.one(&["good.example"], false).await;
    assert_eq!(door.failure(&secure(&unknown)).await, Failure::Certificate);
    let named = ca.one(&["good.example"], false).await;
    let address = format!("https://{}/", named.address);
    assert_eq!(door.failure(&address).await, Failure::Certificate, "the address is no name of it");
    let address = ca.one(&["127.0.0.1"], false).await;
    door.text(&format!("https://{}/", address.address)).await;
    assert_eq!(door.failure(&secure(&address)).await, Failure::Certificate);
}

#[tokio::test]
async fn without_authorities_nobody_is_trusted() {
    let ca = Authority::new();
    let server = ca.one(&["good.example"], false).await;
    let door = Door::new(&Config { authorities: Vec::new(), ..ca.trusted() });
    let error = door.get(&secure(&server)).await.expect_err("nobody is trusted");
    assert_eq!(error.failure, Failure::Certificate);
    assert!(error.detail.contains("ca-certificates"), "{error}");
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told_apart() {
    let ca = Authority::new();
    let door = Door::new(&ca.trusted());
    let plain = Server::start("127.0.0.1", |mut stream| async move {
        let _ = stream.write_all(ok("not TLS").as_bytes()).await;
        tokio::time::sleep(PATIENCE).await;
    });
    assert_eq!(door.failure(&secure(&plain.await)).await, Failure::Tls);
}

#[tokio::test]
async fn a_stream_that_is_reset_breaks_its_reply_and_no_other() {
    let ca = Authority::new();
    let server = ca.two("good.example", |request: Request<Incoming>| async move {
        if request.uri().path() == "/good" {
            return reply("good");
        }
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"half"))),
            Err(std::io::Error::other("the server gives up")),
        ];
        Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
    });
    let server = server.await;
    let door = Door::new(&ca.trusted());
    let url = secure(&server);
    assert_eq!(door.failure(&url).await, Failure::Cut);
    assert_eq!(door.text(&format!("{url}good")).await, "good");
    let broken = request(Method::POST, &url, pieces([Ok("half"), Err(HostError::Failed)]));
    let sent = door.send("one", broken).await;
    let broke = match sent {
        Err(error) => error.failure,
        Ok(reply) => match text(reply).await.expect_err("it broke off") {
            HostError::Upstream(failure) => failure,
            other => panic!("{other}"),
        },
    };
    assert!(matches!(broke, Failure::RequestBody | Failure::Cut), "{broke}");
    let posted = request(Method::POST, &format!("{url}good"), full("x"));
    assert_eq!(
        text(door.send("one", posted).await.expect("a reply")).await.expect("whole"),
        "good"
    );
}

#[tokio::test]
async fn files_of_authorities_are_read_at_the_start() {
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let text = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(text.path(), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
        .expect("written");
    for path in [empty.path(), text.path(), "/nowhere/ca.pem".as_ref()] {
        let config = Config { authorities: vec![path.to_owned()], ..named(&[]) };
        let opened = Egress::open(&config, tokio::runtime::Handle::current());
        let problem = opened.map(|_| ()).expect_err("it cannot be used");
        assert_eq!(config.check().expect_err("nor here").code, problem.code);
        assert_eq!(problem.code, model::Code::OutboundAuthorities);
        assert!(problem.to_string().contains(&*path.to_string_lossy()), "{problem}");
    }
}
