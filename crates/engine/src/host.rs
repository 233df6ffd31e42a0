//! Answers what a function asks of the world: the only implementation of `ports::Host`.
//!
//! Every ask is one step, whatever it is for: decide, label, charge, do, record. What differs from
//! ask to ask is in the files below; docs/ADDING-A-CAPABILITY.md says what a new one needs.
//!
//! Invariant: nothing is done without a `CallPermit`, and whatever was decided is recorded.

mod blob;
mod body;
mod call;
mod connect;
mod data;
mod files;
mod http;
mod keyvalue;
mod line;
mod log;
mod publish;
mod purse;
mod record;
mod secrets;

pub(crate) use data::{Kept, Outward};
pub(crate) use line::Lines;
pub(crate) use purse::Purse;
pub(crate) use record::Asked;
pub(crate) use secrets::{BODY_BYTES_MAX, Gathered, Hold, Tokens};

use crate::config::HostLimits;
use crate::function::Function;
use crate::wiring::{Engine, Parts};
use identity::jwt::Vouched;
use model::{Claims, InvocationId, Labelled, Labels};
use parking_lot::Mutex;
use policy::Denial;
use ports::Future;
use ports::host::{Answer, Ask, Host, HostCall, HostError, Line};
use protect::contract::Swap;
use record::{Entry, Step};
use secrets::Used;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Asks of one invocation that may wait for their answer at once. More are refused.
const WAITING_MAX: u32 = 128;

/// The host of one invocation.
pub(crate) struct Broker {
    engine: Arc<Engine>,
    function: Arc<Function>,
    invocation: InvocationId,
    root: InvocationId,
    depth: u16,
    began: Duration,
    limits: HostLimits,
    /// What an issuer said about the caller.
    vouched: Option<Arc<Vouched>>,
    /// What the tree of invocations that this one belongs to may still spend.
    purse: Arc<Purse>,
    /// What the invocation is known to have seen.
    labels: Mutex<Labels>,
    asked: Mutex<Asked>,
    /// Asks that wait for their answer's beginning.
    waiting: AtomicU32,
    /// CPU time that was taken out of the purse and is not used yet, in microseconds.
    cpu_us: AtomicU64,
    /// The secrets that were put into requests.
    used: Mutex<Used>,
    /// What stands for which sensitive value, as far as it is known.
    swaps: Mutex<Vec<Arc<Swap>>>,
    /// Those of them that came as they are, with this request or one further up.
    clear: Mutex<Vec<Arc<Swap>>>,
    /// Whether any sensitive value is known.
    knows: AtomicBool,
    /// What detectors found.
    noticed: Mutex<data::Noticed>,
}

/// What a broker is made for.
pub(crate) struct Audience {
    pub(crate) function: Arc<Function>,
    pub(crate) invocation: InvocationId,
    pub(crate) root: InvocationId,
    pub(crate) depth: u16,
    pub(crate) cpu_us: u64,
    pub(crate) began: Duration,
    pub(crate) vouched: Option<Arc<Vouched>>,
    pub(crate) purse: Arc<Purse>,
    pub(crate) labels: Labels,
    pub(crate) limits: HostLimits,
}

impl Broker {
    pub(crate) fn new(engine: Arc<Engine>, audience: Audience) -> Self {
        Self {
            engine,
            function: audience.function,
            invocation: audience.invocation,
            root: audience.root,
            depth: audience.depth,
            began: audience.began,
            limits: audience.limits,
            vouched: audience.vouched,
            purse: audience.purse,
            labels: Mutex::new(audience.labels),
            asked: Mutex::default(),
            used: Mutex::default(),
            swaps: Mutex::default(),
            clear: Mutex::default(),
            knows: AtomicBool::new(false),
            noticed: Mutex::default(),
            waiting: AtomicU32::new(0),
            cpu_us: AtomicU64::new(audience.cpu_us),
        }
    }

    fn parts(&self) -> &Parts {
        &self.engine.parts
    }

    /// The invocation ended and used this much CPU time: what it left goes back into the purse.
    pub(crate) fn spent_cpu(&self, used_us: u64) {
        let taken_us = self.cpu_us.swap(0, Relaxed);
        self.purse.give_back_cpu(taken_us.saturating_sub(used_us));
    }

    /// A place among the asks that one invocation may have waiting.
    fn wait(self: &Arc<Self>) -> Option<Waiting> {
        let waiting = Waiting(Arc::clone(self));
        (self.waiting.fetch_add(1, Relaxed) < WAITING_MAX).then_some(waiting)
    }

    fn claims(&self) -> &Claims {
        self.vouched.as_ref().map_or(Claims::NONE, |vouched| &vouched.claims)
    }

    /// Adds what came in or goes out to what the invocation is known to have seen.
    fn join(&self, labels: &Labels) {
        if !labels.is_empty() {
            self.labels.lock().join(labels);
        }
    }

    /// What the invocation is known to have seen.
    pub(crate) fn labels(&self) -> Labels {
        self.labels.lock().clone()
    }

    /// One call of the host, of those that a tree of invocations may make.
    fn charge(&self, step: &Step) -> Result<(), HostError> {
        self.purse.take_call().map_err(|limit| self.limited(step, limit))
    }

    /// A limit or a budget stopped it.
    fn limited(&self, step: &Step, limit: &'static str) -> HostError {
        let text = format!("E1001: {} stopped: the limit of {limit} is reached", step.name());
        self.finish(step, Entry::limited(), text);
        HostError::Limit(limit.into())
    }

    /// The policies stopped it.
    fn denied(&self, step: &Step, denial: &Denial) -> HostError {
        let hint = denial.hint.as_deref().map(|hint| format!("; to allow it: {hint}"));
        let hint = hint.unwrap_or_default();
        let text = format!("{}: {} was denied: {denial}{hint}", denial.code, step.name());
        self.finish(step, Entry::denied(), text);
        HostError::Denied
    }

    /// It was done, and it did not work. `why` is for the function's log.
    fn failed(&self, step: &Step, error: HostError, why: &str) -> HostError {
        let text = format!("{} failed: {why}", step.name());
        self.finish(step, Entry::failed(), text);
        error
    }
}

/// An ask that waits.
struct Waiting(Arc<Broker>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Host for Broker {
    fn log(&self, line: Labelled<Line>) {
        self.take_line(&line.value, line.labels);
    }

    fn call(self: Arc<Self>, ask: Ask) -> Future<'static, Result<Answer, HostError>> {
        let Ask { call: Labelled { value, labels }, body } = ask;
        self.join(&labels);
        match value {
            HostCall::Http(call) => Box::pin(self.http(call, labels, body)),
            HostCall::KeyValue { store, ask } => Box::pin(self.keyvalue(store, ask, labels)),
            HostCall::Blob { container, ask } => Box::pin(self.blob(container, ask, labels, body)),
            HostCall::Reveal(name) => Box::pin(self.reveal(name, labels)),
            HostCall::File { path, piece } => Box::pin(self.file(path, piece, labels)),
            HostCall::Connect(call) => Box::pin(self.connect(call, labels, body)),
            HostCall::Keep(id) => Box::pin(self.keep(id, labels)),
        }
    }
}
