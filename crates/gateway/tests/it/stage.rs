//! An engine whose functions are written in this file, one for each path.

use crate::client::Client;
use crate::relay::{Papers, Relay};
use bytes::Bytes;
use casemate_gateway::{Aids, BoxError, Config, Door, Gateway, Handle, Inbound, Invoke, Refusal};
use http::{Method, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use model::{Code, Problem};
use ports::executor::{BodyError, RequestBody};
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What the engine was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) peer: IpAddr,
    pub(crate) secure: bool,
    pub(crate) certificate: Option<Vec<u8>>,
}

/// The engine's place.
pub(crate) struct Stage {
    pub(crate) seen: Mutex<Vec<Seen>>,
    /// Bytes that endless answers gave.
    pub(crate) given: AtomicU64,
    /// Guests that run.
    pub(crate) live: AtomicUsize,
    events: SyncSender<&'static str>,
}

/// A gateway on a port of its own, and what its guests said.
pub(crate) struct Theatre {
    pub(crate) stage: Arc<Stage>,
    pub(crate) handle: Option<Handle>,
    pub(crate) events: Receiver<&'static str>,
    relay: Option<Relay>,
}

/// A port that is free.
pub(crate) fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

impl Theatre {
    /// Clients come over plain TCP.
    pub(crate) fn open(config: Config) -> Self {
        Self::with_doors(config, vec![Door::plain(port())], Aids::default())
    }

    /// Clients that connect to it come over TLS, and speak HTTP/1.1.
    pub(crate) fn over_tls(config: Config) -> Self {
        let papers = Papers::make();
        let doors = vec![Door::tls(port(), Arc::new(papers.server()))];
        let mut theatre = Self::with_doors(config, doors, Aids::default());
        theatre.relay = Some(Relay::open(theatre.address(), papers.client(&["http/1.1"])));
        theatre
    }

    pub(crate) fn with_doors(config: Config, doors: Vec<Door>, aids: Aids) -> Self {
        let (events, receiver) = sync_channel(10_000);
        let (seen, given, live) = Default::default();
        let stage = Arc::new(Stage { seen, given, live, events });
        let handle = Gateway::start(config, Arc::clone(&stage), doors, aids).unwrap();
        Self { stage, handle: Some(handle), events: receiver, relay: None }
    }

    /// Where the gateway listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.handle.as_ref().unwrap().address()
    }

    /// Where clients connect.
    pub(crate) fn entrance(&self) -> std::net::SocketAddr {
        self.relay.as_ref().map_or_else(|| self.address(), |relay| relay.address)
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.entrance())
    }

    /// Waits until a guest says this.
    pub(crate) fn wait_for(&self, event: &str) {
        loop {
            let next = self.events.recv_timeout(Duration::from_secs(20));
            if next.unwrap_or_else(|_| panic!("nobody said {event:?}")) == event {
                return;
            }
        }
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.stage.seen.lock().unwrap().iter().map(|seen| seen.target.clone()).collect()
    }
}

/// Says so when a guest is stopped.
struct Guest(Arc<Stage>);

impl Guest {
    fn enter(stage: &Arc<Stage>) -> Self {
        stage.live.fetch_add(1, Ordering::SeqCst);
        stage.say("started");
        Self(Arc::clone(stage))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
        self.0.say("stopped");
    }
}

impl Stage {
    fn say(&self, event: &'static str) {
        let _ = self.events.try_send(event);
    }

    fn note(&self, inbound: &Inbound) {
        let request = &inbound.request;
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        self.seen.lock().unwrap().push(Seen {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            headers: headers.collect(),
            peer: inbound.peer,
            secure: request.headers().get("x-forwarded-proto").is_some_and(|it| it == "https"),
            certificate: inbound.certificate.as_deref().map(<[u8]>::to_vec),
        });
    }
}

impl Invoke for Stage {
    type Body = Body;

    async fn invoke(self: &Arc<Self>, inbound: Inbound) -> Result<Response<Body>, Refusal> {
        self.note(&inbound);
        let guest = Guest::enter(self);
        let path = inbound.request.uri().path().to_owned();
        let body = inbound.request.into_body();
        match path.as_str() {
            "/whole" => whole(body).await,
            "/echo" => Ok(Response::new(echo(body, guest))),
            "/never" => std::future::pending().await,
            "/later" => {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok(text("later"))
            }
            // Keeps the request's body unread beside an answer that does not end.
            "/mute" => Ok(Response::new(mute(guest, Some(body)))),
            // The same, and lets go of the body.
            "/deaf" => Ok(Response::new(mute(guest, None))),
            "/endless" => Ok(Response::new(endless(guest))),
            "/broken" => Ok(Response::new(broken())),
            "/refuse" => Err(refusal(Code::CredentialRequired)),
            "/method" => Err(Refusal {
                allow: vec![Method::GET, Method::HEAD],
                ..refusal(Code::MethodNotAllowed)
            }),
            "/busy" => Err(Refusal { retry_after_s: Some(7), ..refusal(Code::FunctionBusy) }),
            "/lie" => Ok(with_header("content-length", "99")),
            "/hop" => Ok(with_header("transfer-encoding", "gzip")),
            "/interim" => {
                let mut response = text("");
                *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
                Ok(response)
            }
            _ => Ok(text("hello")),
        }
    }
}

fn refusal(code: Code) -> Refusal {
    Problem::new(code).internal("a secret of the guest").into()
}

fn text(text: &str) -> Response<Body> {
    Response::new(Full::from(text.to_owned()).map_err(|never| match never {}).boxed_unsync())
}

fn with_header(name: &'static str, value: &str) -> Response<Body> {
    let mut response = text("hello");
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

async fn whole(body: RequestBody) -> Result<Response<Body>, Refusal> {
    match body.collect().await {
        Ok(body) => {
            let trailers = body.trailers().map(http::HeaderMap::len).unwrap_or_default();
            let bytes = body.to_bytes();
            Ok(text(&format!(
                "{} bytes, {trailers} trailers: {}",
                bytes.len(),
                bytes.escape_ascii()
            )))
        }
        Err(BodyError::Slow) => Err(refusal(Code::ClientSlow)),
        Err(_) => Err(refusal(Code::Internal)),
    }
}

fn echo(body: RequestBody, guest: Guest) -> Body {
    body.map_frame(move |frame| {
        let _ = &guest;
        frame
    })
    .map_err(Into::into)
    .boxed_unsync()
}

/// Gives one frame and then nothing more, ever.
fn mute(guest: Guest, body: Option<RequestBody>) -> Body {
    let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from("first")))]);
    let rest = futures_util::stream::poll_fn(move |_| {
        let _ = (&guest, &body);
        std::task::Poll::Pending
    });
    StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed_unsync()
}

fn endless(guest: Guest) -> Body {
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    let frames = futures_util::stream::poll_fn(move |_| {
        guest.0.given.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        std::task::Poll::Ready(Some(Ok(Frame::data(chunk.clone()))))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn broken() -> Body {
    let frames = [Ok(Frame::data(Bytes::from("half"))), Err("it broke".into())];
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}
