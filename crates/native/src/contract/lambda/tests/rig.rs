//! A conversation on a listener of loopback, and a line to it that says exactly what a test wants.

use crate::contract::lambda::{Facts, Lambda};
use crate::contract::{Answer, Call, Conversation as _};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use model::manifest::{Config, NativeSpec};
use model::{Digest, FunctionRef, Limits, Timestamp};
use ports::Clock;
use ports::executor::{Fault, Form, Manner, Program, RequestBody, Surroundings, Unit};
use serde_json::Value;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// Longer than anything takes, even here.
pub(super) const LONG: Duration = Duration::from_secs(60);

struct Still;

impl Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp(1_583_348_638_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A unit of a Python function, changed a little.
pub(crate) fn unit(change: impl FnOnce(&mut Unit)) -> Unit {
    let spec = r#"{"contract":"lambda","interpreter":"python3.11","handler":"app.handler"}"#;
    let spec: NativeSpec = serde_json::from_str(spec).expect("a spec");
    let artifact = Digest([7; 32]);
    let mut unit = Unit {
        function: Arc::new(FunctionRef {
            scope: model::Scope::default(),
            name: "shop".parse().expect("a name"),
        }),
        revision: 1,
        program: Program { artifact, form: Form::Package },
        limits: Limits::default(),
        config: Config::default(),
        revealed: Vec::new(),
        around: Arc::new(Surroundings { native: Some(spec), ..Surroundings::default() }),
    };
    change(&mut unit);
    unit
}

/// Whether a future has to wait.
pub(super) async fn pending<T>(mut future: Pin<&mut impl Future<Output = T>>) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// A conversation that runs, and where.
pub(super) struct Rig {
    pub(super) lambda: Arc<Lambda>,
    pub(super) address: SocketAddr,
}

/// A conversation with a function of one invocation at a time.
pub(super) async fn rig() -> Rig {
    with(|_| ()).await
}

/// A conversation with changed facts.
pub(super) async fn with(change: impl FnOnce(&mut Facts)) -> Rig {
    let mut facts = Facts::of(&unit(|_| ()), Vec::new());
    change(&mut facts);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let lambda = Lambda::start(listener, facts, Arc::new(Still), &Handle::current());
    Rig { lambda: Arc::new(lambda), address }
}

impl Rig {
    /// Waits until the process is ready.
    pub(super) async fn ready(&self) -> Result<(), Fault> {
        tokio::time::timeout(LONG, self.lambda.ready()).await.expect("it is ready, or says why")
    }

    /// Begins an invocation.
    pub(super) fn begin(&self, call: Call) -> tokio::task::JoinHandle<Result<Answered, Fault>> {
        let lambda = Arc::clone(&self.lambda);
        tokio::spawn(async move {
            let answer = lambda.call(call).await?;
            Answered::of(answer).await
        })
    }

    /// Has an invocation done.
    pub(super) async fn call(&self, call: Call) -> Result<Answered, Fault> {
        let done = tokio::time::timeout(LONG, self.begin(call)).await;
        done.expect("it is answered").expect("no panic")
    }

    /// A line to the Runtime API.
    pub(super) async fn line(&self) -> Line {
        Line { stream: TcpStream::connect(self.address).await.expect("a line") }
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) head: http::response::Parts,
    pub(super) body: Vec<u8>,
    pub(super) failed: Option<Fault>,
}

impl Answered {
    async fn of(answer: Answer) -> Result<Self, Fault> {
        let (head, body) = answer.response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        Ok(Self { head, body, failed: answer.failed })
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }
}

/// An event.
pub(super) fn event(id: &str, body: &str) -> Call {
    call(id, Manner::Event, Request::post("http://shop.example/"), body)
}

/// A request over HTTP.
pub(super) fn request(id: &str, uri: &str, body: &str) -> Call {
    call(id, Manner::Request, Request::post(uri), body)
}

fn call(id: &str, manner: Manner, request: http::request::Builder, body: &str) -> Call {
    let body = Full::from(body.to_owned()).map_err(|never| match never {});
    let request: Request<RequestBody> = request.body(body.boxed_unsync()).expect("a request");
    // Far away: what asks for the time that is left has some.
    let deadline_ms = 4_102_444_800_000;
    Call { request, manner, id: id.to_owned(), deadline_ms }
}

/// A connection to the Runtime API.
pub(super) struct Line {
    stream: TcpStream,
}

/// What the Runtime API said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Said {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The status, and the error's type.
    pub(super) fn error(&self) -> (u16, String) {
        let kind = self.json()["errorType"].as_str().unwrap_or_default().to_owned();
        (self.status, kind)
    }
}

impl Line {
    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("they are sent");
    }

    /// Sends a request.
    pub(super) async fn put(&mut self, method: &str, path: &str, fields: &[&str], body: &str) {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{fields}\r\n"
        );
        self.send(format!("{head}{body}").as_bytes()).await;
    }

    /// Reads one response.
    pub(super) async fn said(&mut self) -> Said {
        let read = tokio::time::timeout(LONG, self.read());
        read.await.expect("it is answered").expect("a response")
    }

    /// One response, if there is one before the end.
    pub(super) async fn read(&mut self) -> Option<Said> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head");
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        let mut said = Said { status, head, body: String::new() };
        let length =
            said.field("content-length").map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        said.body = String::from_utf8(body).expect("a text");
        Some(said)
    }

    /// Sends a request and reads the response.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[&str],
        body: &str,
    ) -> Said {
        self.put(method, path, fields, body).await;
        self.said().await
    }

    /// Asks for the next invocation.
    pub(super) async fn next(&mut self) -> Said {
        self.ask("GET", "/2018-06-01/runtime/invocation/next", &[], "").await
    }

    /// Answers one.
    pub(super) async fn respond(&mut self, id: &str, body: &str) -> Said {
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        self.ask("POST", &path, &[], body).await
    }

    /// Reports that one failed.
    pub(super) async fn fail(&mut self, id: &str, body: &str) -> Said {
        let path = format!("/2018-06-01/runtime/invocation/{id}/error");
        self.ask("POST", &path, &[], body).await
    }
}
