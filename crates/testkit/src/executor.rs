//! An executor whose guests do what a test says.

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use model::{Digest, Usage};
use parking_lot::Mutex;
use ports::Future;
use ports::executor::{
    Executor, Fault, FaultKind, PrepareError, Program, Programs, RequestBody, Run, Running,
};
use ports::host::{Answer, Ask, Host, HostCall, HostError, Line};
use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// One step of a scripted guest.
#[derive(Debug, Clone)]
pub enum Step {
    /// Set the response head.
    Head(http::StatusCode),
    /// Set the response head of an answer in JSON.
    Json(http::StatusCode),
    /// Write a frame.
    Frame(&'static [u8]),
    /// Answer with the request's headers, one `name: value` a line.
    Headers,
    /// Read the request's body and answer with it.
    Echo,
    /// End the body.
    End,
    /// Ask the host, and wait for its answer.
    Ask(HostCall),
    /// Ask the host, and write what it said as a frame: the reply, or the error, as text.
    Tell(HostCall),
    /// Ask the host with this body, and write the reply as a frame: its head and its body, or the
    /// error, as text.
    Read(HostCall, &'static [u8]),
    /// Write a line to the log.
    Log(Line),
    /// Let everybody else run once.
    Yield,
    /// Wait for ever.
    Hang,
    /// Fail.
    Fail(FaultKind),
}

type Script = dyn Fn(&http::Request<()>) -> Vec<Step> + Send + Sync;

/// Runs scripts in the place of components.
pub struct Scripted {
    script: Box<Script>,
    prepared: Mutex<BTreeSet<Digest>>,
    /// Runs that were begun and not dropped.
    pub alive: Arc<AtomicUsize>,
    /// Components that were prepared, counted with repetitions.
    pub prepares: AtomicUsize,
    /// The requests' bodies that were read to their ends.
    pub bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scripted {
    /// An executor whose guests do what `script` says for their request.
    pub fn new(script: impl Fn(&http::Request<()>) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            prepared: Mutex::default(),
            alive: Arc::default(),
            prepares: AtomicUsize::new(0),
            bodies: Arc::default(),
        }
    }

    /// Forgets a component, as if its compiled form were gone.
    pub fn forget(&self, artifact: Digest) {
        self.prepared.lock().remove(&artifact);
    }
}

impl Programs for Scripted {
    fn code(&self, _: Program) -> Future<'_, Result<File, Fault>> {
        Box::pin(std::future::ready(Err(fault(FaultKind::Platform))))
    }
}

impl Executor for Scripted {
    fn prepare(&self, program: Program, component: Bytes) -> Future<'_, Result<(), PrepareError>> {
        let refused = component.is_empty();
        self.prepares.fetch_add(1, Ordering::Relaxed);
        if !refused {
            self.prepared.lock().insert(program.artifact);
        }
        Box::pin(async move {
            if refused {
                Err(PrepareError::Refused(model::Code::NotAComponent.into()))
            } else {
                Ok(())
            }
        })
    }

    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>> {
        let ready = self.prepared.lock().contains(&program.artifact);
        Box::pin(async move { Ok(ready) })
    }

    fn keep_only(&self, components: BTreeSet<Digest>) -> Future<'_, usize> {
        let mut prepared = self.prepared.lock();
        let before = prepared.len();
        prepared.retain(|digest| components.contains(digest));
        Box::pin(std::future::ready(before - prepared.len()))
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let (head, body) = run.request.into_parts();
        let request = http::Request::from_parts(head, ());
        let steps = (self.script)(&request).into();
        self.alive.fetch_add(1, Ordering::Relaxed);
        let alive = Alive(Arc::clone(&self.alive));
        Box::pin(Guest {
            request,
            body,
            steps,
            host: run.host,
            asking: None,
            usage: Usage::default(),
            read: Vec::new(),
            bodies: Arc::clone(&self.bodies),
            _alive: alive,
        })
    }
}

struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Guest {
    request: http::Request<()>,
    body: RequestBody,
    steps: VecDeque<Step>,
    host: Arc<dyn Host>,
    asking: Option<Future<'static, String>>,
    usage: Usage,
    read: Vec<u8>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    _alive: Alive,
}

enum Did {
    Head(http::response::Parts),
    Frame(Bytes),
    End,
    Over,
}

impl Guest {
    /// Does steps until one has something to show.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Did, Fault>> {
        loop {
            let Some(step) = self.steps.front().cloned() else { return Poll::Ready(Ok(Did::Over)) };
            let did = match step.clone() {
                Step::Hang => return Poll::Pending,
                Step::Yield => {
                    self.steps.pop_front();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Echo => match Pin::new(&mut self.body).poll_frame(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) => {
                            self.usage.bytes_in += bytes.len() as u64;
                            self.read.extend_from_slice(&bytes);
                            return Poll::Ready(Ok(Did::Frame(bytes)));
                        }
                        Err(_) => continue,
                    },
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Err(fault(FaultKind::RequestBody(error))));
                    }
                    Poll::Ready(None) => {
                        self.bodies.lock().push(std::mem::take(&mut self.read));
                        None
                    }
                },
                Step::Head(status) => Some(Did::Head(head(status))),
                Step::Json(status) => {
                    let mut head = head(status);
                    let kind = http::HeaderValue::from_static("application/json");
                    head.headers.insert(http::header::CONTENT_TYPE, kind);
                    Some(Did::Head(head))
                }
                Step::Frame(bytes) => Some(Did::Frame(Bytes::from_static(bytes))),
                Step::Headers => Some(Did::Frame(self.headers())),
                Step::End => Some(Did::End),
                Step::Fail(kind) => return Poll::Ready(Err(fault(kind))),
                Step::Log(line) => {
                    self.host.log(model::Labelled::plain(line));
                    None
                }
                Step::Ask(call) | Step::Tell(call) | Step::Read(call, _) => {
                    let (host, step_is) = (&self.host, step.clone());
                    let ask = || asked(Arc::clone(host), call, step_is);
                    let asked = self.asking.get_or_insert_with(ask).as_mut().poll(cx);
                    let Poll::Ready(text) = asked else { return Poll::Pending };
                    self.asking = None;
                    let tells = !matches!(step, Step::Ask(_));
                    tells.then(|| Did::Frame(Bytes::from(text)))
                }
            };
            self.steps.pop_front();
            if let Some(did) = did {
                return Poll::Ready(Ok(did));
            }
        }
    }

    fn headers(&self) -> Bytes {
        let lines = self.request.headers().iter().map(|(name, value)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        });
        Bytes::from(lines.collect::<String>())
    }
}

/// Asks, and says what came of it.
fn asked(host: Arc<dyn Host>, call: HostCall, step: Step) -> Future<'static, String> {
    Box::pin(async move {
        let Step::Read(_, body) = step else {
            return told(&host.call(Ask::plain(call)).await);
        };
        let body = Full::new(Bytes::from_static(body)).map_err(|never| match never {});
        let ask = Ask { body: Some(body.boxed_unsync()), ..Ask::plain(call) };
        let mut answer = host.call(ask).await;
        let body = answer.as_mut().ok().and_then(|answer| answer.body.take());
        let text = told(&answer);
        let Some(body) = body else { return text };
        match body.collect().await {
            Ok(body) => format!("{text}\n{}\n", String::from_utf8_lossy(&body.to_bytes())),
            Err(error) => format!("{text}\n{error:?}\n"),
        }
    })
}

/// What the host said, as text.
fn told(answer: &Result<Answer, HostError>) -> String {
    match answer {
        Ok(answer) => format!("{:?}", answer.reply.value),
        Err(error) => format!("{error:?}"),
    }
}

fn head(status: http::StatusCode) -> http::response::Parts {
    let mut response = http::Response::new(());
    *response.status_mut() = status;
    response.into_parts().0
}

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, reason: "the guest said: sk_live_SECRET".to_owned() }
}

impl Running for Guest {
    fn poll_head(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>> {
        self.poll_step(cx).map(|did| match did? {
            Did::Head(parts) => Ok(parts),
            _ => Err(fault(FaultKind::NoResponse)),
        })
    }

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.poll_step(cx).map(|did| match did {
            Ok(Did::Frame(bytes)) => {
                self.usage.bytes_out += bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            Ok(_) => None,
            Err(fault) => Some(Err(fault)),
        })
    }

    fn poll_done(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.poll_step(cx).map(|did| did.map(|_| ()))
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}
