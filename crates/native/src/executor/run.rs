//! One invocation of a native function, polled like any other.
//!
//! Invariant: an invocation that is given up before its end takes its process with it, unless others
//! share that.

use super::fleet::Fleet;
use super::instance::Instance;
use crate::contract::{Answer, AnswerBody, Call};
use crate::seat::Taken;
use bytes::Bytes;
use http::response::Parts;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use model::{Limits, Usage};
use ports::Clock;
use ports::executor::{Fault, FaultKind, RequestBody, Running};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

/// A process with an invocation in hand.
pub(crate) struct Aboard {
    pub(crate) instance: Arc<Instance>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) taken: Option<Taken>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the process ends with the invocation, however that goes.
    pub(crate) fresh: bool,
    /// It came to its end as it should.
    pub(crate) sound: bool,
}

impl Aboard {
    /// Whether the process can serve again.
    fn ends_well(&mut self, sound: bool) {
        self.sound = sound;
    }
}

impl Drop for Aboard {
    fn drop(&mut self) {
        let sound = (self.sound || self.instance.is_shared()) && !self.fresh;
        self.instance.read_output();
        self.instance.account();
        drop(self.taken.take());
        if self.instance.alight(self.clock.monotonic(), sound) {
            self.fleet.put_last(&self.instance);
        } else {
            self.fleet.leave(&self.instance);
            self.instance.kill();
        }
    }
}

/// What an invocation is, step by step.
enum Stage {
    /// Until the answer's head has come.
    Head(Task<Result<(Answer, Aboard), Fault>>),
    /// While the answer's body comes.
    Body(Box<Sent>),
    /// Until the process is done with it.
    Done(Task<Result<(), Fault>>),
    /// It is over.
    Over(Result<(), Fault>),
}

struct Sent {
    body: AnswerBody,
    failed: Option<Fault>,
    aboard: Aboard,
    /// The CPU time may be used up while the body comes.
    watch: CpuWatch,
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Task<Result<T, Fault>> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Fault>> {
        Pin::new(&mut self.0).poll(cx).map(|joined| {
            joined.unwrap_or_else(|error| {
                let reason = format!("an invocation's task ended: {error}");
                Err(Fault { kind: FaultKind::Platform, reason })
            })
        })
    }
}

/// One invocation.
pub(crate) struct Invocation {
    stage: Stage,
    runtime: tokio::runtime::Handle,
    limits: Limits,
    /// How many processors the process may use at once.
    processors: u32,
    answers_head: bool,
    meter: Arc<Meter>,
}

/// What an invocation has used, for whoever asks.
#[derive(Default)]
pub(crate) struct Meter {
    cpu_us: AtomicU64,
    memory_peak_bytes: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// The process that has the invocation in hand, once there is one.
    process: OnceLock<Weak<Instance>>,
}

impl Meter {
    /// Reads what was used by now, if there is a process.
    fn look(&self) {
        if let Some(instance) = self.process.get().and_then(Weak::upgrade) {
            self.read(&instance);
        }
    }

    fn read(&self, instance: &Instance) {
        let (cpu_us, memory_peak_bytes) = instance.usage();
        self.cpu_us.fetch_max(cpu_us, Relaxed);
        self.memory_peak_bytes.fetch_max(memory_peak_bytes, Relaxed);
    }
}

/// The same request, with what the process reads of its body counted.
pub(crate) fn counted(
    request: http::Request<RequestBody>,
    meter: &Arc<Meter>,
) -> http::Request<RequestBody> {
    if request.body().is_end_stream() {
        return request;
    }
    let meter = Arc::clone(meter);
    request.map(|body| {
        let counted = body.map_frame(move |frame| {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            meter.bytes_in.fetch_add(length, Relaxed);
            frame
        });
        counted.boxed_unsync()
    })
}

/// How a process is found for an invocation.
pub(crate) type Boarding = Pin<Box<dyn Future<Output = Result<Aboard, Fault>> + Send>>;

impl Invocation {
    /// Finds a process with `boarding` and gives it `call`, on `runtime`.
    pub(crate) fn begin(
        runtime: tokio::runtime::Handle,
        (limits, processors): (Limits, u32),
        boarding: Boarding,
        call: Call,
        meter: Arc<Meter>,
    ) -> Self {
        let answers_head = call.request.method() == http::Method::HEAD;
        let cpu = Duration::from_millis(limits.cpu_ms);
        let counted = Arc::clone(&meter);
        let work = async move {
            let aboard = boarding.await?;
            let _first = counted.process.set(Arc::downgrade(&aboard.instance));
            let mut watch = CpuWatch::new(cpu, processors);
            let answer = tokio::select! {
                answer = aboard.instance.call(call) => answer,
                fault = watch.used_up(&aboard.instance) => Err(fault),
            };
            counted.read(&aboard.instance);
            Ok((answer?, aboard))
        };
        let stage = Stage::Head(Task(runtime.spawn(work)));
        Self { stage, runtime, limits, processors, answers_head, meter }
    }

    fn end(&mut self, outcome: Result<(), Fault>) {
        if let Stage::Body(_) = &self.stage {
            self.meter.look();
        }
        // Whatever was in hand goes.
        self.stage = Stage::Over(outcome);
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.end(Err(fault.clone()));
        fault
    }

    /// The body is whole: the process finishes what it does.
    fn finish(&mut self) {
        let Stage::Body(sent) = std::mem::replace(&mut self.stage, Stage::Over(Ok(()))) else {
            return;
        };
        let Sent { failed, mut aboard, .. } = *sent;
        let settling = aboard.fleet.settles();
        let meter = Arc::clone(&self.meter);
        let work = async move {
            let settled = aboard.instance.settle().await;
            meter.read(&aboard.instance);
            aboard.ends_well(settled.is_ok());
            // It is free before anybody hears that it is done.
            drop(aboard);
            drop(settling);
            settled.and(failed.map_or(Ok(()), Err))
        };
        self.stage = Stage::Done(Task(self.runtime.spawn(work)));
    }
}

impl Running for Invocation {
    fn poll_head(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Parts, Fault>> {
        let this = self.get_mut();
        let Stage::Head(task) = &mut this.stage else { return Poll::Pending };
        let (Answer { response, failed }, aboard) = match ready!(task.poll(cx)) {
            Ok(answered) => answered,
            Err(fault) => return Poll::Ready(Err(this.fail(fault))),
        };
        let (parts, body) = response.into_parts();
        let watch = CpuWatch::new(Duration::from_millis(this.limits.cpu_ms), this.processors);
        this.stage = Stage::Body(Box::new(Sent { body, failed, aboard, watch }));
        match check_head(&parts, &this.limits) {
            Ok(()) => Poll::Ready(Ok(parts)),
            Err(fault) => Poll::Ready(Err(this.fail(fault))),
        }
    }

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        let Stage::Body(sent) = &mut this.stage else { return Poll::Ready(None) };
        if let Poll::Ready(fault) = sent.watch.poll(cx, &sent.aboard.instance) {
            return Poll::Ready(Some(Err(this.fail(fault))));
        }
        let frame = match ready!(Pin::new(&mut sent.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(fault)) => return Poll::Ready(Some(Err(this.fail(fault)))),
            None => {
                this.finish();
                return Poll::Ready(None);
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let sent = this.meter.bytes_out.fetch_add(length, Relaxed) + length;
        if sent > this.limits.response_body_bytes {
            let reason = "the answer is larger than its limit".to_owned();
            let fault = Fault { kind: FaultKind::ResponseTooLarge, reason };
            return Poll::Ready(Some(Err(this.fail(fault))));
        }
        if this.answers_head {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::new()))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let this = self.get_mut();
        if let Stage::Done(task) = &mut this.stage {
            let done = ready!(task.poll(cx));
            this.end(done);
        }
        match &this.stage {
            Stage::Over(outcome) => Poll::Ready(outcome.clone()),
            _ => Poll::Pending,
        }
    }

    fn usage(&self) -> Usage {
        // Later the process may have another in hand.
        if let Stage::Head(_) | Stage::Body(_) = &self.stage {
            self.meter.look();
        }
        Usage {
            cpu_us: self.meter.cpu_us.load(Relaxed),
            memory_peak_bytes: self.meter.memory_peak_bytes.load(Relaxed),
            bytes_in: self.meter.bytes_in.load(Relaxed),
            bytes_out: self.meter.bytes_out.load(Relaxed),
        }
    }
}

fn check_head(parts: &Parts, limits: &Limits) -> Result<(), Fault> {
    let bytes: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let wrong = if parts.headers.len() > limits.headers as usize {
        format!(
            "its answer has {} header fields, at most {} are sent",
            parts.headers.len(),
            limits.headers
        )
    } else if bytes as u64 > limits.header_bytes {
        format!("its answer's header has {bytes} bytes, at most {} are sent", limits.header_bytes)
    } else if !(200..600).contains(&parts.status.as_u16()) {
        format!("its answer has the status {}", parts.status.as_u16())
    } else {
        return Ok(());
    };
    Err(Fault { kind: FaultKind::BadResponse, reason: wrong })
}

/// Looks whether the CPU time is used up, as often as it can be.
struct CpuWatch {
    limit: Duration,
    /// CPU time passes at most so many times as fast as time does.
    processors: u32,
    next: Pin<Box<Sleep>>,
}

/// Shortest time between two looks.
const LOOK: Duration = Duration::from_millis(20);

impl CpuWatch {
    fn new(limit: Duration, processors: u32) -> Self {
        let next = Box::pin(tokio::time::sleep((limit / processors).max(LOOK)));
        Self { limit, processors, next }
    }

    fn poll(&mut self, cx: &mut Context<'_>, instance: &Instance) -> Poll<Fault> {
        loop {
            ready!(self.next.as_mut().poll(cx));
            let used = Duration::from_micros(instance.usage().0);
            if used >= self.limit {
                let reason = format!("it used up its CPU time of {} ms", self.limit.as_millis());
                return Poll::Ready(Fault { kind: FaultKind::Cpu, reason });
            }
            let wait = ((self.limit - used) / self.processors).max(LOOK);
            self.next.as_mut().reset(tokio::time::Instant::now() + wait);
        }
    }

    async fn used_up(&mut self, instance: &Instance) -> Fault {
        std::future::poll_fn(|cx| self.poll(cx, instance)).await
    }
}
