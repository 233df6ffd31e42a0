//! A process that a test plays, and a server whose every byte it knows.

use crate::contract::server::{Process, Server, Stream, With};
use crate::contract::{Answer, Call, Conversation as _};
use crate::seat::{Seat, Taken};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use model::manifest::{Config, Contract, NativeSpec};
use model::{Digest, FunctionName, FunctionRef, Labelled, Limits, Scope};
use parking_lot::Mutex;
use ports::Future;
use ports::executor::{Fault, Form, Manner, Program, RequestBody, Surroundings, Unit};
use ports::host::{Answer as HostAnswer, Ask, HostError, Line};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// An id as invocations have them.
pub(super) const ID: &str = "0199aaaa-0000-7000-8000-000000000001";
/// Longer than anything takes here.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A process that is none.
pub(super) struct Played {
    /// Where its server really is; 0 for nowhere.
    pub(super) port: AtomicU16,
    pub(super) asked_for: Mutex<Vec<u16>>,
    pub(super) terminated: AtomicUsize,
    ended: watch::Sender<Option<String>>,
}

impl Played {
    pub(super) fn new(port: u16) -> Arc<Self> {
        Arc::new(Self {
            port: AtomicU16::new(port),
            asked_for: Mutex::default(),
            terminated: AtomicUsize::new(0),
            ended: watch::Sender::new(None),
        })
    }

    pub(super) fn end(&self, how: &str) {
        self.ended.send_replace(Some(how.to_owned()));
    }
}

impl Process for Played {
    fn connect(&self, port: u16) -> Future<'_, io::Result<Box<dyn Stream>>> {
        self.asked_for.lock().push(port);
        let to = ("127.0.0.1", self.port.load(Ordering::SeqCst));
        Box::pin(async move { Ok(Box::new(TcpStream::connect(to).await?) as Box<dyn Stream>) })
    }

    fn terminate(&self) {
        self.terminated.fetch_add(1, Ordering::SeqCst);
    }

    fn ended(&self) -> Future<'_, String> {
        let mut ended = self.ended.subscribe();
        Box::pin(async move {
            let how = ended.wait_for(Option::is_some).await.map(|how| how.clone());
            how.ok().flatten().unwrap_or_default()
        })
    }
}

/// A host that remembers the log.
#[derive(Default)]
pub(super) struct Lines(pub(super) Mutex<Vec<String>>);

impl ports::Host for Lines {
    fn log(&self, line: Labelled<Line>) {
        let text = String::from_utf8_lossy(&line.value.bytes).into_owned();
        self.0.lock().push(format!("{}: {text}", line.value.level.word()));
    }

    fn call(self: Arc<Self>, _: Ask) -> Future<'static, Result<HostAnswer, HostError>> {
        Box::pin(std::future::ready(Err(HostError::Denied)))
    }
}

/// A function's manifest, as far as it matters here.
pub(super) fn spec(contract: Contract, more: &str) -> NativeSpec {
    let word = contract.word();
    let text = format!(r#"{{"contract":"{word}"{more}}}"#);
    let spec: NativeSpec = serde_json::from_str(&text).expect("a manifest");
    if let Some(server) = &spec.server {
        server.check(contract).expect("a good manifest");
    }
    spec
}

pub(super) fn unit(native: NativeSpec, limits: Limits) -> Unit {
    let name = FunctionName::parse("order").expect("a name");
    Unit {
        function: Arc::new(FunctionRef { scope: Scope::default(), name }),
        revision: 7,
        program: Program { artifact: Digest([1; 32]), form: Form::Package },
        limits,
        config: Config::default(),
        revealed: Vec::new(),
        around: Arc::new(Surroundings { native: Some(native), ..Surroundings::default() }),
    }
}

/// A conversation, and what stands around it.
pub(super) struct Talk<P = Played> {
    pub(super) server: Server,
    pub(super) process: Arc<P>,
    pub(super) lines: Arc<Lines>,
    _taken: Taken,
}

impl Talk<Played> {
    pub(super) fn new(port: u16, contract: Contract, more: &str) -> Self {
        Self::limited(port, contract, more, Limits::default())
    }

    pub(super) fn limited(port: u16, contract: Contract, more: &str, limits: Limits) -> Self {
        Self::of(&unit(spec(contract, more), limits), Played::new(port))
    }
}

impl<P: Process + 'static> Talk<P> {
    pub(super) fn of(unit: &Unit, process: Arc<P>) -> Self {
        let lines = Arc::new(Lines::default());
        let seat = Arc::new(Seat::default());
        let taken = seat.take(Arc::clone(&lines) as Arc<dyn ports::Host>);
        let with = With {
            process: Arc::clone(&process) as Arc<dyn Process>,
            seat,
            instance: "instance-1".to_owned(),
            runtime: Handle::current(),
            clock: Arc::new(testkit::clock::FakeClock::at(1_790_000_000_000_000)),
            package: None,
        };
        let server = Server::new(unit, with).expect("a server");
        Self { server, process, lines, _taken: taken }
    }

    pub(super) async fn ready(&self) -> Result<(), Fault> {
        within(self.server.ready()).await
    }

    pub(super) async fn call(&self, request: Request<RequestBody>) -> Result<Answer, Fault> {
        within(self.server.call(a_call(request, Manner::Request))).await
    }

    pub(super) async fn event(&self, request: Request<RequestBody>) -> Result<Answer, Fault> {
        within(self.server.call(a_call(request, Manner::Event))).await
    }

    /// Calls, and reads the answer to its end.
    pub(super) async fn whole(&self, request: Request<RequestBody>) -> Result<Whole, Fault> {
        read(self.call(request).await?).await
    }

    /// Sends an event, and reads the answer to its end.
    pub(super) async fn whole_event(&self, request: Request<RequestBody>) -> Result<Whole, Fault> {
        read(self.event(request).await?).await
    }
}

fn a_call(request: Request<RequestBody>, manner: Manner) -> Call {
    Call { request, manner, id: ID.to_owned(), deadline_ms: 1_790_000_010_000 }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) failed: Option<Fault>,
}

pub(super) async fn read(answer: Answer) -> Result<Whole, Fault> {
    let (parts, body) = answer.response.into_parts();
    let body = within(body.collect()).await?.to_bytes();
    Ok(Whole {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        failed: answer.failed,
    })
}

/// Fails the test rather than let it hang.
pub(super) async fn within<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("it hangs")
}

pub(super) fn body(bytes: impl Into<Bytes>) -> RequestBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn get(uri: &str) -> Request<RequestBody> {
    Request::get(uri).body(body("")).expect("a request")
}

pub(super) fn post(uri: &str, kind: &str, bytes: &str) -> Request<RequestBody> {
    Request::post(uri).header("content-type", kind).body(body(bytes.to_owned())).expect("a request")
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn field(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// What a server does with a request: the bytes that it answers; none to hang up.
type Does = dyn Fn(&Seen) -> Vec<u8> + Send + Sync;

/// A server whose every byte the test knows.
pub(super) struct Raw {
    pub(super) port: u16,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Raw {
    pub(super) async fn start(does: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, Arc::new(does))
    }

    pub(super) fn on(listener: TcpListener, does: Arc<Does>) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let (seen, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let raw = Self { port, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&does), Arc::clone(&seen)));
            }
        });
        raw
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().last().cloned().expect("a request")
    }
}

async fn serve(mut stream: TcpStream, does: Arc<Does>, all: Arc<Mutex<Vec<Seen>>>) {
    let mut buffer = Vec::new();
    while let Some(seen) = next(&mut stream, &mut buffer).await {
        all.lock().push(seen.clone());
        let answer = does(&seen);
        if answer.is_empty() || stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Reads one request with a stated length, or in chunks.
async fn next(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).expect("text");
    let (line, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut headers = HeaderMap::new();
    for field in fields.split("\r\n").filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once(": ").expect("a field");
        let name: http::HeaderName = name.parse().expect("a name");
        headers.append(name, value.parse().expect("a value"));
    }
    buffer.drain(..end + 4);
    let chunked = headers.contains_key("transfer-encoding");
    let length = headers
        .get("content-length")
        .map_or(0, |value| value.to_str().expect("text").parse().expect("a number"));
    let whole = |buffer: &[u8]| match chunked {
        true => find(buffer, b"0\r\n\r\n").map(|at| at + 5),
        false => (buffer.len() >= length).then_some(length),
    };
    let end = loop {
        if let Some(at) = whole(buffer) {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let body: Vec<u8> = buffer.drain(..end).collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Seen { line: line.to_owned(), headers, body })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// An answer with a stated length.
pub(super) fn answer(status: &str, fields: &[&str], body: &str) -> Vec<u8> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}").into_bytes()
}
