//! A door, requests, and servers that do what the test says.

use bytes::Bytes;
use casemate_egress::{Config, Egress, Servers};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use ports::Outbound;
use ports::host::{Body, HostError};
use ports::outbound::{Error, Failure, Limits, Outgoing};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// Short, for what is expected to take too long.
pub(crate) const SOON: Duration = Duration::from_millis(300);

/// A configuration in which loopback addresses may be reached.
pub(crate) fn open() -> Config {
    named(&["127.0.0.0/8"])
}

/// A configuration in which these networks may be reached, and nothing of the system is used.
pub(crate) fn named(networks: &[&str]) -> Config {
    Config {
        networks: networks.iter().map(|text| text.parse().expect("a network")).collect(),
        system_authorities: false,
        servers: Servers::These(Vec::new()),
        ..Config::default()
    }
}

/// A door, and what is asked of it.
pub(crate) struct Door {
    pub(crate) egress: Egress,
    pub(crate) limits: Limits,
}

impl Door {
    pub(crate) fn new(config: &Config) -> Self {
        let egress = Egress::open(config, Handle::current()).expect("a good configuration");
        let limits = Limits {
            connect: PATIENCE,
            first_byte: PATIENCE,
            between_bytes: PATIENCE,
            ..Limits::DEFAULT
        };
        Self { egress, limits }
    }

    pub(crate) fn limited(config: &Config, limit: impl FnOnce(&mut Limits)) -> Self {
        let mut door = Self::new(config);
        limit(&mut door.limits);
        door
    }

    /// Sends a request in the name of a function.
    pub(crate) fn send(
        &self,
        name: &str,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, Error>> + Send + 'static {
        let outgoing = Outgoing { function: function(name), request, limits: self.limits };
        let sent = self.egress.send(outgoing);
        async { tokio::time::timeout(PATIENCE, sent).await.expect("in time") }
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Response<Body>, Error> {
        self.send("one", get(url)).await
    }

    /// The text of a reply, which is expected to be good.
    pub(crate) async fn text(&self, url: &str) -> String {
        text(self.get(url).await.expect("a reply")).await.expect("a whole reply")
    }

    /// Why a request failed, before or within its reply.
    pub(crate) async fn failure(&self, url: &str) -> Failure {
        match self.get(url).await {
            Err(error) => {
                assert!(!error.detail.is_empty());
                error.failure
            }
            Ok(response) => match text(response).await.expect_err("it broke off") {
                HostError::Upstream(failure) => failure,
                other => panic!("{other}"),
            },
        }
    }
}

pub(crate) fn function(name: &str) -> Arc<model::FunctionRef> {
    let name = model::FunctionName::parse(name).expect("a name");
    Arc::new(model::FunctionRef { scope: model::Scope::default(), name })
}

pub(crate) fn get(url: &str) -> Request<Body> {
    request(Method::GET, url, empty())
}

pub(crate) fn request(method: Method, url: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(url).body(body).expect("a request")
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn full(text: &str) -> Body {
    Full::new(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body of pieces, whose length nobody knows before.
pub(crate) fn pieces(
    pieces: impl IntoIterator<Item = Result<&'static str, HostError>, IntoIter: Send + 'static>,
) -> Body {
    let frame = |piece: Result<&'static str, _>| piece.map(|text| Frame::data(text.into()));
    StreamBody::new(futures_util::stream::iter(pieces.into_iter().map(frame))).boxed_unsync()
}

pub(crate) async fn text(response: Response<Body>) -> Result<String, HostError> {
    let read = tokio::time::timeout(PATIENCE, response.into_body().collect()).await;
    let bytes = read.expect("in time")?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A server, until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Does with each connection what it is told.
    pub(crate) async fn start<F>(ip: &str, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind((ip, 0)).await.expect("a port"), serve)
    }

    pub(crate) fn on<F>(
        listener: TcpListener,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().expect("an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, accepted, task }
    }

    /// Answers every request without a body with these bytes, and goes on.
    pub(crate) async fn says(reply: impl Into<String>) -> Self {
        let reply: Arc<str> = reply.into().into();
        Self::start("127.0.0.1", move |mut stream| {
            let reply = Arc::clone(&reply);
            async move {
                while head(&mut stream).await.is_some() {
                    if stream.write_all(reply.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// Answers the first request of each connection with these bytes, and closes.
    pub(crate) async fn says_once(reply: impl Into<String>) -> Self {
        let reply: Arc<str> = reply.into().into();
        Self::start("127.0.0.1", move |mut stream| {
            let reply = Arc::clone(&reply);
            async move {
                if head(&mut stream).await.is_some() {
                    let _ = stream.write_all(reply.as_bytes()).await;
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The head of a request, as it came; nothing at the connection's end.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).expect("text"))
}

/// A reply with that body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..24_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be that {what}");
}
