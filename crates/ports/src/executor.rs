//! Running a function.

use crate::{Future, Host};
use bytes::Bytes;
use http_body::Frame;
use model::listing::Listing;
use model::manifest::{Config, NativeSpec, Wasi};
use model::{Destination, Digest, FunctionName, FunctionRef, Limits, SharedStoreName, Usage};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is run, and by what. The same bytes under two versions of WASI are two programs, each checked
/// and compiled by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Program {
    /// The component or the package that was approved. The executor runs this digest or nothing.
    pub artifact: Digest,
    /// Which of the two it is.
    pub form: Form,
}

impl Program {
    /// The version of WASI, if it is a component.
    #[must_use]
    pub const fn wasi(self) -> Option<Wasi> {
        match self.form {
            Form::Component(wasi) => Some(wasi),
            Form::Package => None,
        }
    }
}

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Form {
    /// A component, for the version of WASI that its manifest asks for.
    Component(Wasi),
    /// The list of a native function's files: [`model::listing::Listing`].
    Package,
}

/// What is run: one revision of one function.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The function.
    pub function: Arc<FunctionRef>,
    /// Its revision.
    pub revision: u32,
    /// What is run.
    pub program: Program,
    /// What it may use.
    pub limits: Limits,
    /// What its manifest gives it to read.
    pub config: Config,
    /// The names beside those of `config` whose values are secrets, which the host is asked for.
    pub revealed: Vec<String>,
    /// What else its manifest puts around it.
    pub around: Arc<Surroundings>,
}

/// What a function finds around it beside its configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Surroundings {
    /// The number of the version that it is, if it is one; none if it is what is active.
    #[serde(skip)]
    pub version: Option<u32>,
    /// Environment variables, in the order of their names.
    pub environment: Vec<(String, String)>,
    /// The function's own words for stores, and which stores they mean.
    pub stores: BTreeMap<String, SharedStoreName>,
    /// How it is run, if it is native.
    #[serde(skip)]
    pub native: Option<NativeSpec>,
    /// Where a native function asks to connect to.
    #[serde(skip)]
    pub destinations: Vec<Destination>,
    /// Whether it asks for some host as a whole, so that TLS to it may pass unread.
    #[serde(skip)]
    pub passes: bool,
    /// The functions that a native function asks to call.
    #[serde(skip)]
    pub calls: Vec<FunctionName>,
}

/// The request's body, already limited by the door: its errors end the invocation.
pub type RequestBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// Why a request's body could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than the limit.
    #[error("the request body is larger than its limit")]
    TooLarge,
    /// The client stalled.
    #[error("the request body did not arrive in time")]
    Slow,
    /// The client went away or broke the protocol.
    #[error("the request body was cut")]
    Cut,
}

/// How an invocation came, for executors to whose functions that is a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// Somebody sent a request.
    #[default]
    Request,
    /// The request's body is an event by itself; its head is only what carries it.
    Event,
}

/// One invocation, ready to run.
pub struct Run {
    /// What.
    pub unit: Arc<Unit>,
    /// The request as the guest sees it: platform credentials removed, an absolute URI.
    pub request: http::Request<RequestBody>,
    /// How the invocation came.
    pub manner: Manner,
    /// What the request is known to contain.
    pub labels: model::Labels,
    /// The files that the function carries: their names and sizes. Their bytes are asked of `host`.
    pub files: Option<Arc<Listing>>,
    /// Whom it asks.
    pub host: Arc<dyn Host>,
}

/// How a run failed. What the guest said is in `reason` and must not reach strangers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind:?}: {reason}")]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Why, for the record. May quote the guest.
    pub reason: String,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultKind {
    /// The guest crashed.
    Trapped,
    /// The CPU time was used up.
    Cpu,
    /// The memory was used up.
    Memory,
    /// The guest ended and gave no answer.
    NoResponse,
    /// The answer cannot be sent.
    BadResponse,
    /// The answer is larger than its limit.
    ResponseTooLarge,
    /// The guest reported an error code.
    GuestError,
    /// A limit on handles or copied data.
    HostLimit,
    /// There is no room for another instance.
    NoInstance,
    /// The request's body broke off; see [`BodyError`].
    RequestBody(BodyError),
    /// The platform's fault.
    Platform,
}

/// A running invocation. The caller polls it; nothing runs by itself.
///
/// The order of calls is: `poll_head` until ready; `poll_frame` until `None` or an error; then
/// `poll_done` until ready, which lets the guest finish what it does after its answer. Dropping
/// it at any point stops the guest and frees the instance.
pub trait Running: Send {
    /// Runs the guest until it has set its response head.
    fn poll_head(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>>;

    /// Runs the guest until it has written more of its body. `None` ends the body.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>>;

    /// Runs the guest to its end.
    fn poll_done(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Fault>>;

    /// What was used until now.
    fn usage(&self) -> Usage;
}

/// An invocation that fails at once.
#[derive(Debug)]
pub struct Refused(pub Fault);

impl Running for Refused {
    fn poll_head(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<http::response::Parts, Fault>> {
        Poll::Ready(Err(self.0.clone()))
    }

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Poll::Ready(None)
    }

    fn poll_done(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Err(self.0.clone()))
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}

/// Why a component could not be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The component is at fault; the problem can be shown to who deploys.
    #[error(transparent)]
    Refused(model::Problem),
    /// The platform is at fault.
    #[error("the component {artifact} could not be made ready: {reason}")]
    Failed {
        /// Which.
        artifact: Digest,
        /// Why.
        reason: String,
    },
}

/// Where compiled programs come from, for an executor that has no directory of its own.
pub trait Programs: Send + Sync {
    /// The compiled form, checked, in a file that nobody can write to any more.
    ///
    /// # Errors
    /// [`FaultKind::Platform`], if it is not there or not authentic.
    fn code(&self, program: Program) -> Future<'_, Result<File, Fault>>;
}

/// Runs functions.
pub trait Executor: Send + Sync {
    /// Checks and compiles a component, so that it can be run by its digest. Idempotent.
    fn prepare(&self, program: Program, component: Bytes) -> Future<'_, Result<(), PrepareError>>;

    /// Whether the compiled form is there and authentic. Cheap if it is loaded already.
    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>>;

    /// Removes the compiled forms of all components but these, and says how many went.
    fn keep_only(&self, _components: BTreeSet<Digest>) -> Future<'_, usize> {
        Box::pin(std::future::ready(0))
    }

    /// Ends what is kept running for functions that are there no more; `live` says of a function's
    /// revision whether it is. What is under way finishes.
    fn let_go(&self, _live: &dyn Fn(&FunctionRef, u32) -> bool) {}

    /// Says which native functions can be called from now on, so that what they need can be started
    /// before somebody calls.
    fn expect(&self, _units: &[Arc<Unit>]) {}

    /// How many processes of a native function there are now, at work or waiting. `None` where
    /// functions have none.
    fn at_hand(&self, _unit: &Unit) -> Option<usize> {
        None
    }

    /// Begins an invocation. A component that is not loaded is loaded first; one that was never
    /// prepared, or whose compiled form is not authentic, faults with [`FaultKind::Platform`].
    fn run(&self, run: Run) -> Pin<Box<dyn Running>>;
}
