//! A worker: one thread with a runtime of its own, and the connections that were given to it.
//!
//! Guests run in their connection's task, so nothing of a request crosses threads.

use crate::arrival::Visit;
use crate::berth::Lines;
use crate::census::Seat;
use crate::connection;
use crate::control::{Control, Load, Phase};
use crate::desk::Desk;
use crate::door::Invoke;
use crate::entry::Manner;
use crate::handle::Drained;
use crate::line::Line;
use crate::origin::Origin;
use crate::violation::Violation;
use hyper::server::conn::http1::Builder;
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

/// A connection on its way to a worker. The channel is bounded by the census.
pub(crate) struct Arrival {
    pub(crate) socket: TcpStream,
    pub(crate) peer: IpAddr,
    pub(crate) seat: Seat,
    pub(crate) manner: Manner,
    /// Set if it is only told that there is no room.
    pub(crate) refused: Option<Violation>,
}

pub(crate) struct Worker<E> {
    pub(crate) desk: Arc<Desk<E>>,
    pub(crate) control: Arc<Control>,
    pub(crate) load: Arc<Load>,
    pub(crate) arrivals: UnboundedReceiver<Arrival>,
}

impl<E: Invoke> Worker<E> {
    /// Serves until the gateway has drained or stops. Connections that are left then are dropped
    /// with the runtime.
    pub(crate) async fn run(mut self) -> Drained {
        let mut crew = Crew {
            builder: connection::builder(&self.desk.config),
            desk: self.desk,
            control: Arc::clone(&self.control),
            load: Arc::clone(&self.load),
            lines: Lines::default(),
        };
        let mut open = true;
        let mut deadline: Option<Instant> = None;
        while open || self.load.connections.load(Ordering::Acquire) > 0 {
            tokio::select! {
                arrival = self.arrivals.recv(), if open => match arrival {
                    Some(arrival) => crew.take(arrival),
                    None => open = false,
                },
                () = self.load.left.notified(), if !open => {}
                () = self.load.signal.notified() => match self.control.phase() {
                    Phase::Running => {}
                    Phase::Draining => {
                        deadline = Some(Instant::now() + self.control.grace());
                        crew.lines.wake_all();
                    }
                    Phase::Aborting => break,
                },
                () = until(deadline) => {
                    crew.desk.engine.out_of_time();
                    break;
                }
            }
        }
        let before = self.load.ended_before.load(Ordering::Acquire);
        Drained {
            finished: self.load.ended.load(Ordering::Acquire).saturating_sub(before),
            aborted: self.load.in_flight.load(Ordering::Acquire) as u64,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What a connection needs of its worker.
struct Crew<E> {
    desk: Arc<Desk<E>>,
    builder: Builder,
    control: Arc<Control>,
    load: Arc<Load>,
    lines: Lines,
}

impl<E: Invoke> Crew<E> {
    fn take(&mut self, arrival: Arrival) {
        let Arrival { socket, peer, seat, manner, refused } = arrival;
        let socket = match tokio::net::TcpStream::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                return;
            }
        };
        let origin = Origin::new(peer, manner.redirect);
        let line = Line::new(origin, self.load.clone(), self.control.clone(), &self.desk.config);
        let line = Arc::new(line);
        if let Some(violation) = refused {
            line.refuse(violation);
        }
        let berth = self.lines.berth(&line, seat);
        let (desk, builder) = (Arc::clone(&self.desk), self.builder.clone());
        if manner.is_bare() {
            // What the task holds while it serves is as small as it can be.
            tokio::spawn(connection::host(desk, builder, socket, line, berth));
        } else {
            let visit = Visit { desk, builder, manner, line, berth };
            tokio::spawn(visit.receive(socket));
        }
    }
}
