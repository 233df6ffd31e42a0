//! A worker: one thread with a runtime of its own, and the connections that were given to it.
//!
//! Guests run in their connection's task, so nothing of a request crosses threads.

use crate::census::Seat;
use crate::config::Config;
use crate::connection;
use crate::control::{Control, Load, Phase};
use crate::door::Invoke;
use crate::handle::Drained;
use crate::line::Line;
use crate::violation::Violation;
use hyper::server::conn::http1::Builder;
use std::collections::HashMap;
use std::net::{IpAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

/// A connection on its way to a worker. The channel is bounded by the census.
pub(crate) struct Arrival {
    pub(crate) socket: TcpStream,
    pub(crate) peer: IpAddr,
    pub(crate) seat: Seat,
    /// Set if it is only told that there is no room.
    pub(crate) refused: Option<Violation>,
}

pub(crate) struct Worker<E> {
    pub(crate) engine: Arc<E>,
    pub(crate) config: Arc<Config>,
    pub(crate) control: Arc<Control>,
    pub(crate) load: Arc<Load>,
    pub(crate) arrivals: UnboundedReceiver<Arrival>,
}

/// The lines of a worker's connections, to wake them.
type Lines = Arc<Mutex<HashMap<u64, Arc<Line>>>>;

impl<E: Invoke> Worker<E> {
    /// Serves until the gateway has drained or stops. Connections that are left then are dropped
    /// with the runtime.
    pub(crate) async fn run(mut self) -> Drained {
        let mut crew = Crew {
            engine: self.engine,
            builder: connection::builder(&self.config),
            config: self.config,
            control: Arc::clone(&self.control),
            load: Arc::clone(&self.load),
            lines: Lines::default(),
            next: 0,
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
                        crew.wake_all();
                    }
                    Phase::Aborting => break,
                },
                () = until(deadline) => {
                    crew.engine.out_of_time();
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
    engine: Arc<E>,
    builder: Builder,
    config: Arc<Config>,
    control: Arc<Control>,
    load: Arc<Load>,
    lines: Lines,
    next: u64,
}

impl<E: Invoke> Crew<E> {
    fn take(&mut self, arrival: Arrival) {
        let Arrival { socket, peer, seat, refused } = arrival;
        let socket = match tokio::net::TcpStream::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                return;
            }
        };
        let (load, control) = (Arc::clone(&self.load), Arc::clone(&self.control));
        let line = Arc::new(Line::new(peer, load, control, &self.config));
        if let Some(violation) = refused {
            line.refuse(violation);
        }
        let berth = Berth::new(self.next, &line, &self.lines, seat);
        self.next += 1;
        let (engine, config) = (Arc::clone(&self.engine), Arc::clone(&self.config));
        let served = connection::serve(engine, self.builder.clone(), config, socket, line);
        tokio::spawn(async move {
            served.await;
            drop(berth);
        });
    }

    fn wake_all(&self) {
        let lines: Vec<_> = lock(&self.lines).values().cloned().collect();
        for line in lines {
            line.wake();
        }
    }
}

/// A connection's place with its worker; given up however the connection ends.
struct Berth {
    number: u64,
    lines: Lines,
    _seat: Seat,
}

impl Berth {
    fn new(number: u64, line: &Arc<Line>, lines: &Lines, seat: Seat) -> Self {
        lock(lines).insert(number, Arc::clone(line));
        Self { number, lines: Arc::clone(lines), _seat: seat }
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        lock(&self.lines).remove(&self.number);
    }
}

fn lock(lines: &Lines) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Line>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
