//! What has come from a child about one invocation, and waits for who polls it.

use crate::flow::{Credit, Intake};
use crate::words;
use futures_util::future::{AbortHandle, AbortRegistration};
use http::response::Parts;
use model::Usage;
use parking_lot::Mutex;
use ports::executor::{Fault, FaultKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Waker};

/// Asks that one guest may have under way, as many as it may have handles.
pub(crate) const ASKS_MAX: usize = 4096;

/// The desk of one invocation.
#[derive(Default)]
pub(crate) struct Desk {
    /// The answer's head.
    pub(crate) head: Option<Result<Parts, Fault>>,
    /// A head came: a second one is a violation.
    pub(crate) headed: bool,
    /// How the guest ended.
    pub(crate) done: Option<Result<(), Fault>>,
    /// What was used until the child last said it.
    pub(crate) usage: Usage,
    /// Asks that nobody has begun to answer.
    pub(crate) new: Vec<NewAsk>,
    /// Asks under way, by number.
    pub(crate) asks: HashMap<u32, AskUnderWay>,
    waker: Option<Waker>,
}

/// An ask that has just come.
pub(crate) struct NewAsk {
    pub(crate) id: u32,
    pub(crate) ask: words::Ask,
    /// Its body, if one follows.
    pub(crate) body: Option<Arc<Mutex<Intake>>>,
    pub(crate) credit: Arc<Credit>,
    /// What ends it early.
    pub(crate) registration: AbortRegistration,
}

/// What an ask under way is reached by.
pub(crate) struct AskUnderWay {
    pub(crate) stop: AbortHandle,
    pub(crate) body: Option<Arc<Mutex<Intake>>>,
    pub(crate) credit: Arc<Credit>,
}

impl Desk {
    /// Remembers who polls.
    pub(crate) fn watch(&mut self, cx: &Context<'_>) {
        match &self.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => self.waker = Some(cx.waker().clone()),
        }
    }

    /// There is something new for who polls.
    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The connection is gone: nothing more comes.
    pub(crate) fn cut(&mut self, fault: &Fault) {
        if !self.headed {
            self.headed = true;
            self.head = Some(Err(fault.clone()));
        }
        self.done.get_or_insert_with(|| Err(fault.clone()));
        for (_, ask) in self.asks.drain() {
            ask.stop.abort();
        }
        self.new.clear();
        self.wake();
    }
}

/// The fault of all whose child is gone.
pub(crate) fn gone(reason: &str) -> Fault {
    Fault { kind: FaultKind::Platform, reason: format!("E0430: {reason}") }
}
