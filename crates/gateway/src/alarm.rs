//! A timer that is moved rarely.
//!
//! A connection's deadline moves with every request, nearly always to a later time. The timer is
//! left where it is then; when it fires too early, it is set again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};

pub(crate) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

impl Alarm {
    pub(crate) fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(at)), armed: at }
    }

    /// Ready when `wanted` has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, wanted: Instant) -> Poll<()> {
        if wanted < self.armed {
            self.set(wanted);
        }
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if wanted <= self.armed {
                return Poll::Ready(());
            }
            self.set(wanted);
        }
    }

    fn set(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at);
        self.armed = at;
    }
}
