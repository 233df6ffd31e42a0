//! OpenWhisk's ActionLoop: a line of JSON on standard input for each activation, and one back on
//! descriptor 3.
//!
//! Invariant: a line is answered by the first whole line that comes after it was sent; anything that
//! came before, or beside it, ends the process.

use super::{Answer, Call, Conversation};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use ports::Future;
use ports::executor::{Fault, FaultKind, Manner, RequestBody, Unit};
use render::whisk::{self, Refused, Said};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OnceCell};

/// What a process says that is ready.
const READY: &[u8] = b"{\"ok\":true}";
/// Longest such line.
const READY_BYTES_MAX: u64 = 4 << 10;
/// What JSON may add to a body: `\u0000` for a byte.
const JSON_TIMES: u64 = 6;
/// Room for fields beside the body.
const JSON_BESIDE: u64 = 1 << 20;

/// What is known of an action before it is called.
pub(crate) struct Action {
    namespace: String,
    name: String,
    version: String,
    limits: model::Limits,
    /// Whether query and body of a request stay as they are.
    raw: bool,
}

impl Action {
    pub(crate) fn of(unit: &Unit, raw: bool) -> Self {
        Self {
            namespace: unit.function.scope.tenant.to_string(),
            name: unit.function.name.to_string(),
            version: format!("0.0.{}", unit.revision),
            limits: unit.limits.clone(),
            raw,
        }
    }
}

/// What a process finds in its environment.
pub(crate) fn environment(unit: &Unit) -> Vec<(String, String)> {
    let own = [
        ("__OW_WAIT_FOR_ACK", "1"),
        ("__OW_API_HOST", ""),
        ("__OW_ACTION_NAME", unit.function.name.as_str()),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The conversation with a process.
pub(crate) struct Actionloop {
    inner: Arc<Inner>,
    runtime: Handle,
}

struct Inner {
    action: Action,
    pipes: Mutex<Pipes>,
    /// Set once it said that it is ready, which it says once.
    begun: OnceCell<()>,
}

struct Pipes {
    input: pipe::Sender,
    output: BufReader<pipe::Receiver>,
}

impl Actionloop {
    pub(crate) fn new(
        input: pipe::Sender,
        output: pipe::Receiver,
        action: Action,
        runtime: &Handle,
    ) -> Self {
        let pipes = Mutex::new(Pipes { input, output: BufReader::new(output) });
        Self {
            inner: Arc::new(Inner { action, pipes, begun: OnceCell::new() }),
            runtime: runtime.clone(),
        }
    }
}

fn fault(kind: FaultKind, reason: impl Into<String>) -> Fault {
    Fault { kind, reason: reason.into() }
}

impl Pipes {
    /// The next line, without its end.
    async fn line(&mut self, most: u64) -> Result<Vec<u8>, Fault> {
        let mut line = Vec::new();
        let mut part = (&mut self.output).take(most.saturating_add(1));
        let broken = |error: &dyn std::fmt::Display| {
            fault(FaultKind::NoResponse, format!("its descriptor 3: {error}"))
        };
        part.read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
        if line.pop() == Some(b'\n') {
            return Ok(line);
        }
        if line.len() as u64 >= most {
            let reason = format!("the answer is larger than {most} bytes of JSON");
            return Err(fault(FaultKind::ResponseTooLarge, reason));
        }
        Err(broken(&"it was closed"))
    }
}

impl Inner {
    async fn ready(&self) -> Result<(), Fault> {
        let said = self.pipes.lock().await.line(READY_BYTES_MAX).await?;
        let plain: Vec<u8> =
            said.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if plain == READY {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>();
        Err(fault(FaultKind::GuestError, format!("the action could not begin: {said}")))
    }

    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        let Call { request, manner, id, deadline_ms } = call;
        let mut line = match self.line(request, manner, &id, deadline_ms).await? {
            Ok(line) => line,
            Err(refused) => return Ok(answer(refused, None)),
        };
        line.push(b'\n');
        let mut pipes = self.pipes.lock().await;
        if !pipes.output.buffer().is_empty() {
            let reason = "the process wrote to its descriptor 3 before it was asked";
            return Err(fault(FaultKind::BadResponse, reason));
        }
        let sent = pipes.input.write_all(&line).await;
        sent.map_err(|error| fault(FaultKind::NoResponse, format!("its input: {error}")))?;
        let limit = self.action.limits.response_body_bytes;
        let most = limit.saturating_mul(JSON_TIMES).saturating_add(JSON_BESIDE);
        let said = whisk::Answer::read(200, &pipes.line(most).await?);
        let failed = said.failed().map(|why| fault(FaultKind::GuestError, why));
        let response = match manner {
            Manner::Request => {
                let bad = |why: whisk::BadAnswer| fault(FaultKind::BadResponse, why.to_string());
                said.render().map_err(bad)?
            }
            Manner::Event => said.render_event(),
        };
        super::server::check(response, &self.action.limits).map(|response| answer(response, failed))
    }

    /// An activation as one line, or what its caller is told instead.
    async fn line(
        &self,
        request: http::Request<RequestBody>,
        manner: Manner,
        id: &str,
        deadline_ms: i64,
    ) -> Result<Result<Vec<u8>, Response<Bytes>>, Fault> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.map_err(|error| fault(FaultKind::RequestBody(error), error.to_string()))?;
        let body = body.to_bytes();
        super::server::strip(&mut parts.headers, manner);
        let Action { namespace, name, version, raw, .. } = &self.action;
        let said = Said { namespace, action: name, version, id, deadline_ms };
        activation(manner, &parts, &body, *raw, &said)
    }
}

/// An activation in JSON, on one line; or what its caller is told instead.
///
/// # Errors
/// Never in practice.
pub(super) fn activation(
    manner: Manner,
    parts: &http::request::Parts,
    body: &[u8],
    raw: bool,
    said: &Said<'_>,
) -> Result<Result<Vec<u8>, Response<Bytes>>, Fault> {
    let json = match manner {
        Manner::Request => match whisk::web(parts, body, raw) {
            Ok(value) => whisk::run(value, said),
            Err(error @ Refused::Reserved(_)) => return Ok(Err(refused(&error.to_string()))),
            Err(error) => return Err(fault(FaultKind::Platform, error.to_string())),
        },
        Manner::Event => whisk::event(body).and_then(|value| whisk::run(value, said)),
    };
    json.map(Ok).map_err(|error| fault(FaultKind::Platform, error.to_string()))
}

/// What the sender of a request is told that no action gets.
fn refused(why: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(serde_json::json!({ "error": why }).to_string()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn answer(response: Response<Bytes>, failed: Option<Fault>) -> Answer {
    let whole = |body| Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Answer { response: response.map(whole), failed }
}

impl Conversation for Actionloop {
    fn ready(&self) -> Future<'_, Result<(), Fault>> {
        let inner = Arc::clone(&self.inner);
        let work = async move { inner.begun.get_or_try_init(|| inner.ready()).await.copied() };
        let work = super::task::Task::spawn(&self.runtime, work);
        Box::pin(async move { work.await.unwrap_or_else(|| Err(super::task::lost())) })
    }

    fn call(&self, call: Call) -> Future<'_, Result<Answer, Fault>> {
        Box::pin(self.inner.call(call))
    }

    fn settled(&self) -> Future<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn stop(&self) -> Future<'_, ()> {
        // It has no word for it.
        Box::pin(std::future::ready(()))
    }
}
