//! Whether a client takes what is written to it.

use crate::line::Line;
use std::task::Poll;

/// What the last writes came to.
#[derive(Debug, Default)]
pub(crate) struct Stall {
    /// The client takes no bytes at the moment.
    stalled: bool,
    /// The channel keeps bytes back, as TLS does.
    held: bool,
}

impl Stall {
    /// Notes what a write came to.
    pub(crate) fn wrote<T>(&mut self, line: &Line, written: &Poll<T>) {
        match written {
            Poll::Pending => {
                self.stalled = true;
                line.stall();
            }
            // What TLS takes while it keeps bytes back, the client has not taken.
            Poll::Ready(_) if self.stalled && !self.held => {
                self.stalled = false;
                line.flow();
            }
            Poll::Ready(_) => {}
        }
    }

    /// Notes what a flush came to.
    pub(crate) fn flushed<T>(&mut self, line: &Line, flushed: &Poll<T>) {
        self.held = flushed.is_pending();
        if self.held || self.stalled {
            self.wrote(line, flushed);
        }
    }
}
