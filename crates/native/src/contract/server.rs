//! An HTTP server on a port: the contract of most platforms, as one conversation and rows of data.
//!
//! What differs between them is in [`rows`]; what a body has to be rendered into, in `render`. A
//! function's server is one for all its callers, so nothing that a caller sends may look like the
//! platform's own words: see [`request`].
//!
//! Invariant: a request is sent once. It is sent again only if nothing of it went out.

mod answer;
mod azure;
mod body;
mod call;
mod dial;
mod facts;
mod fault;
mod fnproject;
mod hand;
mod hook;
mod life;
mod link;
mod request;
mod row;
mod rows;
mod said;
#[cfg(test)]
mod tests;
mod whisk;
mod worker;

pub(crate) use dial::Dial;
pub(crate) use whisk::is_told_its_code;

use super::task::Task;
use super::{Answer, Call, Conversation};
use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::seat::Seat;
use crate::workerd;
use facts::Facts;
use hand::Hands;
use link::Links;
use model::Limits;
use model::manifest::{Hook, NativeSpec, ServerSpec};
use ports::executor::{Fault, Manner, Unit};
use ports::{Clock, Future};
use row::{Form, Row};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

/// Longest time to start, if the manifest says nothing.
const START: Duration = Duration::from_secs(10);

/// A connection with a process.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What is needed of a process beside its words. Its futures are polled on native's own runtime.
pub(crate) trait Process: Send + Sync {
    /// Tries once to connect: to a port of the process's own loopback, unless its contract has another
    /// way.
    fn connect(&self, port: u16) -> Future<'_, io::Result<Box<dyn Stream>>>;

    /// Tells it to end: SIGTERM.
    fn terminate(&self);

    /// Waits until it has ended, and says how, such as `exit code 1`.
    fn ended(&self) -> Future<'_, String>;
}

/// Who a conversation is with, and what it is held by.
pub(crate) struct With {
    /// The process.
    pub(crate) process: Arc<dyn Process>,
    /// The invocations that it has in hand: lines of a log are theirs.
    pub(crate) seat: Arc<Seat>,
    /// Which of the function's processes it is.
    pub(crate) instance: String,
    /// Where the conversation's tasks run.
    pub(crate) runtime: Handle,
    /// The time, for what platforms tell their functions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the function's files lie, if its server is told its code.
    pub(crate) package: Option<PathBuf>,
}

/// The conversation with a function's server.
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    row: &'static Row,
    facts: Facts,
    server: ServerSpec,
    limits: Limits,
    start: Duration,
    links: Links,
    /// Where a Worker's jail is told events.
    events: Links,
    hands: Arc<Hands>,
    /// Set once it could take calls: nothing of a server's beginning is done twice.
    begun: OnceCell<()>,
    /// Whether the server is one of ours, around the function's handlers.
    hosted: bool,
    with: With,
}

/// All of the environment that a contract gives a function's process, as `unit`'s manifest has it.
/// None if its contract is none of these.
pub(crate) fn environment(unit: &Unit, instance: &str) -> Option<Vec<(String, String)>> {
    let native = unit.around.native.as_ref()?;
    let row = rows::of(native.contract)?;
    Some(Facts::of(unit, native, row, instance).environment(row))
}

/// A path without the `/function/NAME` that a gateway of OpenFaaS's takes away. None if it has none.
pub(super) fn without_function(path: &str) -> Option<&str> {
    request::behind_function(path).map(|rest| if rest.is_empty() { "/" } else { rest })
}

/// A whole answer, if it can be sent.
///
/// # Errors
/// [`ports::executor::FaultKind::BadResponse`] or `ResponseTooLarge`, with the reason.
pub(super) fn check(response: Response<Bytes>, limits: &Limits) -> Result<Response<Bytes>, Fault> {
    let (mut parts, body) = response.into_parts();
    answer::check(&mut parts, limits)?;
    if body.len() as u64 > limits.response_body_bytes {
        return Err(answer::too_large(limits.response_body_bytes));
    }
    Ok(Response::from_parts(parts, body))
}

/// Takes out of a call's head what concerns one connection, and what no caller can say.
pub(super) fn strip(headers: &mut HeaderMap, manner: Manner) {
    request::strip(headers, &rows::PLAIN, manner);
}

/// Where a contract's functions find their code. None if it is none of these.
pub(crate) fn root(contract: model::manifest::Contract) -> Option<&'static str> {
    rows::of(contract).map(|row| row.root)
}

/// What the interpreter of a native function is given, where the manifest has no command. None if
/// its contract does not say it.
pub(crate) fn arguments(native: &NativeSpec) -> Option<&'static [&'static str]> {
    let (row, interpreter) = (rows::of(native.contract)?, native.interpreter.as_ref()?);
    let entry = row.entries.iter().find(|(name, _)| interpreter.starts_with(name))?;
    Some(entry.1)
}

impl Server {
    /// A conversation with the process of `unit`. None if its contract is none of these.
    pub(crate) fn new(unit: &Unit, with: With) -> Option<Self> {
        let native = unit.around.native.as_ref()?;
        let row = rows::of(native.contract)?;
        let facts = Facts::of(unit, native, row, &with.instance);
        let parallel = native.parallel.unwrap_or(1) as usize;
        let links = Links::new(&with, facts.port, parallel, &unit.limits, row.form == Form::Stdio);
        let events = Links::new(&with, workerd::EVENTS, parallel, &unit.limits, false);
        Some(Self(Arc::new(Inner {
            row,
            server: native.server.clone().unwrap_or_default(),
            limits: unit.limits.clone(),
            start: native.start.map_or(START, model::unit::Duration::std),
            facts,
            links,
            events,
            hands: Arc::default(),
            begun: OnceCell::new(),
            hosted: native.command.is_empty() && arguments(native).is_some(),
            with,
        })))
    }
}

impl Inner {
    fn has(&self, hook: Hook) -> bool {
        self.server.hooks.contains(&hook)
    }

    /// Runs on native's runtime, where timers and sockets are, whoever waits for it.
    fn task<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> Future<'static, T>,
    ) -> Task<T> {
        Task::spawn(&self.with.runtime, work(Arc::clone(self)))
    }
}

impl Conversation for Server {
    fn ready(&self) -> Future<'_, Result<(), Fault>> {
        if self.0.begun.initialized() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let work = self.0.task(|inner| {
            Box::pin(async move { inner.begun.get_or_try_init(|| inner.ready()).await.copied() })
        });
        Box::pin(async move { work.await.unwrap_or_else(|| Err(super::task::lost())) })
    }

    fn call(&self, call: Call) -> Future<'_, Result<Answer, Fault>> {
        Box::pin(self.0.call(call))
    }

    fn settled(&self) -> Future<'_, ()> {
        Box::pin(async move {
            self.0.hands.empty().await;
            if self.0.row.form == Form::Worker {
                self.0.task(|inner| Box::pin(async move { worker::settled(&inner).await })).await;
            }
            if self.0.has(Hook::PreFreeze) {
                self.0.task(|inner| Box::pin(async move { inner.pre_freeze().await })).await;
            }
        })
    }

    fn stop(&self) -> Future<'_, ()> {
        let work = self.0.task(|inner| Box::pin(async move { inner.stop().await }));
        Box::pin(async move {
            work.await;
        })
    }
}
