//! Gets a connection for a request: one that waits, or a new one.

use crate::dial::dial;
use crate::door::Door;
use crate::fault::fail;
use crate::link::{Link, Sent};
use crate::pool::Lease;
use crate::target::Target;
use crate::task::Task;
use crate::upload::Upload;
use http::Request;
use model::FunctionRef;
use ports::outbound::{Error, Failure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a connection may take to be done with its reply before. It was read to its end, so
/// this is how long another thread needs.
const READY: Duration = Duration::from_millis(500);

/// Whose connection it is, and where it leads.
pub(crate) struct Way {
    pub(crate) door: Arc<Door>,
    pub(crate) function: Arc<FunctionRef>,
    pub(crate) target: Target,
}

impl Way {
    /// A connection that waited, if one is wanted and there is one that lives.
    pub(crate) async fn kept(&self) -> Option<Lease> {
        loop {
            match self.door.pool.take(&self.function, &self.target)? {
                Lease::Two(stream) => return Some(Lease::Two(stream)),
                Lease::One(mut one) => {
                    if timeout(READY, one.ready()).await.unwrap_or(false) {
                        return Some(Lease::One(one));
                    }
                }
            }
        }
    }

    /// A new connection, or a share of one that somebody else made meanwhile.
    pub(crate) async fn fresh(&self, deadline: Instant) -> Result<Lease, Error> {
        let gate = match self.target.secure {
            true => self.door.pool.gate(&self.function, &self.target),
            false => None,
        };
        let made = match gate {
            None => self.dial(deadline).await,
            Some(gate) => self.gated(&gate, deadline).await,
        };
        self.door.pool.tidy(&self.function, &self.target);
        made
    }

    async fn gated(
        &self,
        gate: &tokio::sync::Mutex<()>,
        deadline: Instant,
    ) -> Result<Lease, Error> {
        let turn = timeout_at(deadline, gate.lock()).await;
        let turn = turn.map_err(|_| {
            let detail = format!("{}: nobody answered in time", self.target);
            fail(Failure::ConnectTimeout, detail)
        })?;
        if let Some(lease @ Lease::Two(_)) = self.door.pool.take(&self.function, &self.target) {
            return Ok(lease);
        }
        // Others may have seen meanwhile that there is nothing to share.
        let alone = self.door.pool.gate(&self.function, &self.target).is_none();
        let _held = (!alone).then_some(turn);
        self.dial(deadline).await
    }

    /// Dials on the runtime of connections, so that no thread of a guest is in the way.
    async fn dial(&self, deadline: Instant) -> Result<Lease, Error> {
        let work = dial(Arc::clone(&self.door), self.target.clone(), deadline);
        let link = Task::spawn(&self.door.runtime, work).await;
        let link = link.map_err(|_| fail(Failure::Refused, "the node is stopping"))??;
        if self.target.secure {
            let plain = matches!(link, Link::One(_));
            self.door.pool.plain(&self.function, &self.target, plain);
        }
        match link {
            Link::One(one) => Ok(Lease::One(one)),
            Link::Two(two) => {
                let stream = self.door.pool.share(&self.function, &self.target, &two);
                let closed = || fail(Failure::Cut, format!("{}: it closed at once", self.target));
                stream.map(Lease::Two).ok_or_else(closed)
            }
        }
    }
}

impl Lease {
    pub(crate) async fn send(&mut self, request: Request<Upload>) -> Sent {
        match self {
            Self::One(one) => one.send(request).await,
            Self::Two(stream) => stream.send(request).await,
        }
    }

    /// Sees to it that nobody uses this connection after.
    pub(crate) fn spoil(&self) {
        if let Self::Two(stream) = self {
            stream.retire();
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::One(one) => one.address,
            Self::Two(stream) => stream.address(),
        }
    }
}
