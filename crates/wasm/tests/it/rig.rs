//! An executor in a temporary directory, a host that remembers, and a caller that polls.

use bytes::Bytes;
use casemate_wasm::{CompileError, Config, Origin, WasmExecutor, Workshop, compile_stream};
use http_body_util::{BodyExt as _, Full};
use model::manifest::{Config as Values, Wasi};
use model::{Digest, FunctionRef, Labelled, Labels, Limits, Secret, Timestamp, Usage};
use parking_lot::Mutex;
use ports::child::{self, Children, Job};
use ports::executor::{
    BodyError, Executor as _, Fault, FaultKind, Form, Manner, PrepareError, Program, RequestBody,
    Run, Running, Unit,
};
use ports::host::{self, Ask, HostCall, HostError, Line};
use ports::{Clock, Future, Host};
use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

struct NoClock;

impl Clock for NoClock {
    fn wall(&self) -> Timestamp {
        Timestamp::default()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Compiles in this process: the child itself is tested where it is made.
struct InProcess;

impl Children for InProcess {
    fn run(&self, mut job: Job) -> Future<'_, Result<(), child::Error>> {
        Box::pin(async move {
            let wasi = match job.name {
                "compile" => Wasi::V02,
                "compile-wasi03" => Wasi::V03,
                other => panic!("there is no job called {other}"),
            };
            compile_stream(wasi, &mut job.input, &mut job.output).map_err(|error| match error {
                CompileError::Memory => child::Error::Limit("memory"),
                CompileError::Output => child::Error::Limit("output size"),
                other => child::Error::Refused(other.to_string()),
            })
        })
    }
}

/// A child that always fails in one way.
pub(crate) struct Failing(pub fn() -> child::Error);

impl Children for Failing {
    fn run(&self, _: Job) -> Future<'_, Result<(), child::Error>> {
        let error = (self.0)();
        Box::pin(async move { Err(error) })
    }
}

/// Remembers what guests said and asked; refuses everything.
#[derive(Default)]
pub(crate) struct Ears {
    pub lines: Mutex<Vec<Line>>,
    pub calls: Mutex<Vec<HostCall>>,
}

impl Host for Ears {
    fn log(&self, line: Labelled<Line>) {
        self.lines.lock().push(line.value);
    }

    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<host::Answer, HostError>> {
        self.calls.lock().push(ask.call.value);
        Box::pin(std::future::ready(Err(HostError::Denied)))
    }
}

impl Ears {
    /// The outgoing requests that were asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let calls = self.calls.lock();
        let requests = calls.iter().filter_map(|call| match call {
            HostCall::Http(call) => Some(format!("{} {}", call.method, call.uri)),
            _ => None,
        });
        requests.collect()
    }
}

pub(crate) struct Rig {
    pub dir: Arc<tempfile::TempDir>,
    pub executor: Arc<WasmExecutor>,
    pub ears: Arc<Ears>,
    pub limits: Limits,
    /// What its components are built for.
    pub wasi: Wasi,
    /// What manifests give functions to read.
    pub values: Values,
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    // Any function of the bytes will do here; the platform uses SHA-256.
    Digest(*blake3::hash(bytes).as_bytes())
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A node that allows WASI 0.3, for components of that.
    pub(crate) fn new_03() -> Self {
        Self::with(|config| config.wasi_03 = true).for_wasi(Wasi::V03)
    }

    /// The same node, for components of another version of WASI.
    pub(crate) fn for_wasi(&self, wasi: Wasi) -> Self {
        Self {
            dir: Arc::clone(&self.dir),
            executor: Arc::clone(&self.executor),
            ears: Arc::clone(&self.ears),
            limits: self.limits.clone(),
            wasi,
            values: self.values.clone(),
        }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::at(Arc::new(tempfile::tempdir().expect("dir")), change)
    }

    /// Compiles by `children`, and keeps what it made below `dir`.
    pub(crate) fn workshop(dir: &Path, children: Arc<dyn Children>) -> Workshop {
        Workshop::new(dir.join("compiled"), Secret::new([7; 32]), children)
    }

    pub(crate) fn at(dir: Arc<tempfile::TempDir>, change: impl FnOnce(&mut Config)) -> Self {
        let workshop = Self::workshop(dir.path(), Arc::new(InProcess));
        let mut config = Config::new(Origin::Here(workshop), Arc::new(NoClock));
        config.instances = 16;
        change(&mut config);
        let executor = WasmExecutor::new(config).expect("executor");
        let limits = Limits::default();
        let (ears, values) = (Arc::default(), Values::default());
        Self { dir, executor, ears, limits, wasi: Wasi::V02, values }
    }

    /// A second start of the node, with the same home.
    pub(crate) fn restarted(&self) -> Self {
        let next = Self::at(Arc::clone(&self.dir), |config| {
            config.wasi_03 = self.wasi == Wasi::V03;
        });
        Self { limits: self.limits.clone(), wasi: self.wasi, ..next }
    }

    pub(crate) async fn prepare(&self, component: &Bytes) -> Result<Digest, PrepareError> {
        let digest = digest(component);
        self.executor.prepare(self.program(digest), component.clone()).await.map(|()| digest)
    }

    /// Whether a component's compiled form can be used.
    pub(crate) async fn ready(&self, artifact: Digest) -> bool {
        self.executor.ready(self.program(artifact)).await.expect("a disk that works")
    }

    fn program(&self, artifact: Digest) -> Program {
        Program { artifact, form: Form::Component(self.wasi) }
    }

    pub(crate) fn start(
        &self,
        artifact: Digest,
        request: http::Request<RequestBody>,
    ) -> Pin<Box<dyn Running>> {
        self.start_with(artifact, request, Arc::clone(&self.ears) as Arc<dyn Host>)
    }

    /// Starts an invocation that asks another host.
    pub(crate) fn start_with(
        &self,
        artifact: Digest,
        request: http::Request<RequestBody>,
        host: Arc<dyn Host>,
    ) -> Pin<Box<dyn Running>> {
        let function =
            FunctionRef { scope: model::Scope::default(), name: "f".parse().expect("name") };
        let unit = Unit {
            function: Arc::new(function),
            revision: 1,
            program: self.program(artifact),
            limits: self.limits.clone(),
            config: self.values.clone(),
            revealed: Vec::new(),
            around: Arc::default(),
        };
        let (labels, files) = (Labels::NONE, None);
        self.executor.run(Run {
            unit: Arc::new(unit),
            request,
            manner: Manner::Request,
            labels,
            files,
            host,
        })
    }

    /// Prepares `component` and calls it once.
    pub(crate) async fn call(&self, component: Bytes) -> Answer {
        let digest = self.prepare(&component).await.expect("a good component");
        finish(self.start(digest, get())).await
    }

    pub(crate) async fn call_with(
        &self,
        component: Bytes,
        request: http::Request<RequestBody>,
    ) -> Answer {
        let digest = self.prepare(&component).await.expect("a good component");
        finish(self.start(digest, request)).await
    }

    /// Log lines until now, as text, marked if cut.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.ears.lines.lock();
        let text = |line: &Line| {
            let bytes = String::from_utf8_lossy(&line.bytes);
            format!("{}: {bytes}{}", line.level.word(), if line.cut { "[cut]" } else { "" })
        };
        lines.iter().map(text).collect()
    }
}

pub(crate) fn request(method: &str, body: RequestBody) -> http::Request<RequestBody> {
    http::Request::builder()
        .method(method)
        .uri("http://f.example/f?x=1")
        .body(body)
        .expect("request")
}

pub(crate) fn get() -> http::Request<RequestBody> {
    request("GET", http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync())
}

pub(crate) fn post(body: &[u8]) -> http::Request<RequestBody> {
    let body = Full::new(Bytes::copy_from_slice(body)).map_err(|never| match never {});
    request("POST", body.boxed_unsync())
}

/// A body that sends `first` and then breaks.
pub(crate) fn broken(first: &[u8], error: BodyError) -> http::Request<RequestBody> {
    let frames = vec![Ok(http_body::Frame::data(Bytes::copy_from_slice(first))), Err(error)];
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    request("POST", body.boxed_unsync())
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub head: Result<http::response::Parts, Fault>,
    pub body: Vec<u8>,
    /// Of the body, if it broke.
    pub broke: Option<Fault>,
    /// Of what the guest did after its answer.
    pub done: Result<(), Fault>,
    pub usage: Usage,
}

impl Answer {
    pub(crate) fn kind(&self) -> Option<FaultKind> {
        self.fault().map(|fault| fault.kind)
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.head.as_ref().err().or(self.broke.as_ref()).or(self.done.as_ref().err())
    }

    pub(crate) fn text(&self) -> String {
        assert_eq!(self.fault(), None);
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Polls an invocation to its end, as a connection would.
pub(crate) async fn finish(mut running: Pin<Box<dyn Running>>) -> Answer {
    let head = poll_fn(|cx| running.as_mut().poll_head(cx)).await;
    let mut body = Vec::new();
    let mut broke = None;
    if head.is_ok() {
        while let Some(frame) = poll_fn(|cx| running.as_mut().poll_frame(cx)).await {
            match frame {
                Ok(frame) => body.extend(frame.into_data().expect("no trailers")),
                Err(fault) => {
                    broke = Some(fault);
                    break;
                }
            }
        }
    }
    let done = poll_fn(|cx| running.as_mut().poll_done(cx)).await;
    Answer { head, body, broke, done, usage: running.usage() }
}
