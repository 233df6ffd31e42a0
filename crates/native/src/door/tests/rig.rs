//! Doors on the machine's own loopback, and a host that says what it was asked.

use super::super::{Authority, Door, Passing};
use crate::seat::{Seat, Taken};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use model::{FunctionName, Labelled, Scope, StoreName};
use parking_lot::Mutex;
use ports::Host;
use ports::host::{
    Answer, Ask, Body, ConnectionId, HostCall, HostError, HostReply, HttpCall, Line, Through,
};
use ports::keyvalue::{KeyValue as _, StoreRef};
use ports::outbound::Failure;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use testkit::clock::FakeClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Long enough for whatever has to happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Answers by the name of the host that is asked for, and notes what it was asked.
#[derive(Default)]
pub(super) struct FakeHost {
    pub(super) asked: Mutex<Vec<String>>,
    /// Pieces of an endless body that were taken.
    pub(super) taken: Arc<AtomicU64>,
    /// Lines of the log.
    pub(super) said: Mutex<Vec<String>>,
    pub(super) store: ports::memory::KeyValue,
    /// Whether TLS may pass without a look inside.
    pub(super) opaque: bool,
    /// Whether connections go on.
    pub(super) keeps: bool,
}

impl FakeHost {
    fn note(&self, what: String) {
        self.asked.lock().push(what);
    }

    async fn http(&self, call: HttpCall, body: Option<Body>) -> Result<Answer, HostError> {
        self.note(format!("{} {}", call.method, call.uri));
        let host = call.uri.host().unwrap_or_default();
        match host {
            "denied.example" => return Err(HostError::Denied),
            "limit.example" => return Err(HostError::Limit("asks".into())),
            "invalid.example" => return Err(HostError::Invalid("it makes no sense".into())),
            "down.example" => return Err(HostError::Upstream(Failure::Refused)),
            "slow.example" => return Err(HostError::Upstream(Failure::ReplyTimeout)),
            "private.example" => return Err(HostError::Upstream(Failure::Address)),
            "failed.example" => return Err(HostError::Failed),
            "never.example" => std::future::pending().await,
            _ => {}
        }
        let sent = match body {
            Some(body) => body.collect().await?.to_bytes().len(),
            None => 0,
        };
        let mut fields: Vec<_> = call.headers.keys().map(http::HeaderName::as_str).collect();
        fields.sort_unstable();
        let text = format!("{} {} {sent}\n{}\n", call.method, call.uri, fields.join(" "));
        let body = match host {
            "endless.example" => endless(Arc::clone(&self.taken)),
            "cut.example" => cut(),
            _ => Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync(),
        };
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.headers.insert("x-said", http::HeaderValue::from_static("by the host"));
        head.headers.insert("connection", http::HeaderValue::from_static("close"));
        Ok(answer(HostReply::Http(Box::new(head)), Some(body)))
    }

    async fn answer(&self, ask: Ask) -> Result<Answer, HostError> {
        match ask.call.value {
            HostCall::Http(call) => self.http(call, ask.body).await,
            HostCall::KeyValue { store, ask } => {
                self.note(format!("keyvalue {store}"));
                let own = FunctionName::parse("own").expect("a name");
                let name = StoreName::of(&own, &store).map_err(|_| HostError::Denied)?;
                let at = StoreRef { scope: Scope::default(), name };
                let reply = self.store.ask(&at, ask, 1 << 20).await;
                let reply = reply.map_err(|error| HostError::Invalid(error.to_string()))?;
                Ok(answer(HostReply::KeyValue(reply), None))
            }
            HostCall::Blob { container, ask: wanted } => {
                self.blob(&container, wanted, ask.body).await
            }
            HostCall::Connect(call) => {
                if call.through == Through::Opaque && !self.opaque {
                    return Err(HostError::NotOpaque);
                }
                self.note(format!("{:?} {}:{}", call.through, call.host, call.port));
                if call.host == "denied.example" {
                    return Err(HostError::Denied);
                }
                Ok(answer(HostReply::Connected(ConnectionId(7)), ask.body))
            }
            HostCall::Keep(id) => {
                self.note(format!("keep {}", id.0));
                self.keeps.then(|| answer(HostReply::Kept, None)).ok_or(HostError::Denied)
            }
            _ => Err(HostError::Failed),
        }
    }

    /// One object, `there`, of ten bytes.
    async fn blob(
        &self,
        container: &str,
        wanted: ports::blobs::Ask,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        use ports::blobs::{Ask, Info, Page, Reply};
        let info = Info { bytes: 10, created: model::Timestamp(0), version: 3 };
        self.note(format!("{container} {wanted:?}"));
        let (reply, body) = match wanted {
            Ask::Info { name } => (Reply::Info((name == "there").then_some(info)), None),
            Ask::Get { name, .. } if name != "there" => (Reply::Object(None), None),
            Ask::Get { range, .. } => {
                let (from, until) = range.within(info.bytes);
                let bytes = b"0123456789"[from as usize..until as usize].to_vec();
                let body = super::super::told::whole(bytes);
                (Reply::Object(Some((info, (from, until)))), Some(body))
            }
            Ask::Put { .. } => {
                let bytes = body.expect("a body").collect().await?.to_bytes();
                self.note(format!("{} bytes", bytes.len()));
                (Reply::Done, None)
            }
            Ask::List { .. } => {
                let names = vec!["there".to_owned()];
                (Reply::Names(Page { names, more: false }), None)
            }
            _ => (Reply::Done, None),
        };
        Ok(answer(HostReply::Blob(reply), body))
    }
}

impl Host for FakeHost {
    fn log(&self, line: Labelled<Line>) {
        self.said.lock().push(String::from_utf8_lossy(&line.value.bytes).into_owned());
    }

    fn call(self: Arc<Self>, ask: Ask) -> ports::Future<'static, Result<Answer, HostError>> {
        Box::pin(async move { self.answer(ask).await })
    }
}

fn answer(reply: HostReply, body: Option<Body>) -> Answer {
    Answer { reply: Labelled::plain(reply), body }
}

fn endless(taken: Arc<AtomicU64>) -> Body {
    let piece = move || {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from(vec![b'x'; 16 << 10])))
    };
    StreamBody::new(futures_util::stream::repeat_with(piece)).boxed_unsync()
}

fn cut() -> Body {
    let pieces = [
        Ok(Frame::data(Bytes::from_static(b"the beginning"))),
        Err(HostError::Upstream(Failure::Cut)),
    ];
    StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync()
}

/// Open doors, with one invocation in hand.
pub(super) struct Rig {
    pub(super) seat: Arc<Seat>,
    pub(super) host: Arc<FakeHost>,
    pub(super) authority: Arc<Authority>,
    pub(super) proxy: SocketAddr,
    pub(super) api: SocketAddr,
    taken: Option<Taken>,
    _doors: [Door; 2],
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(FakeHost { keeps: true, ..FakeHost::default() })
    }

    pub(super) fn with(host: FakeHost) -> Self {
        Self::made(host, Passing::Permitted)
    }

    pub(super) fn made(host: FakeHost, passing: Passing) -> Self {
        let (seat, host) = (Arc::new(Seat::default()), Arc::new(host));
        let taken = Some(seat.take(Arc::clone(&host) as _));
        let clock = Arc::new(FakeClock::at(now_us()));
        let authority = Arc::new(Authority::new(clock).expect("an authority"));
        let ((first, proxy), (second, api)) = (listener(), listener());
        let runtime = Handle::current();
        let doors = [
            super::super::proxy(
                &runtime,
                first,
                Arc::clone(&seat),
                Arc::clone(&authority),
                passing,
            ),
            super::super::host(&runtime, second, Arc::clone(&seat)),
        ];
        let doors = doors.map(|door| door.expect("a door"));
        Self { seat, host, authority, proxy, api, taken, _doors: doors }
    }

    /// The invocation in hand ends.
    pub(super) fn end(&mut self) {
        self.taken = None;
    }

    /// Another one begins, with the same host.
    pub(super) fn begin(&mut self) {
        self.taken = Some(self.seat.take(Arc::clone(&self.host) as _));
    }

    /// What was asked since this was last called.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.host.asked.lock())
    }

    /// Sends bytes to the proxy, and reads until it closes the connection.
    pub(super) async fn say(&self, bytes: &str) -> String {
        say(self.proxy, bytes).await
    }
}

/// A listener that some door can have.
pub(super) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Sends bytes, and reads until the other side closes the connection.
pub(super) async fn say(to: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    // A reset after the answer is an end, too.
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    let _ = read.expect("it ends");
    String::from_utf8_lossy(&all).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "clients compare certificates with the real time")]
pub(super) fn now_us() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_micros()).expect("before 290000")
}
