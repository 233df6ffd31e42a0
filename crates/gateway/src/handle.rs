//! Starts the gateway's threads and stops them.

use crate::accept::{Acceptor, Listener};
use crate::census::Census;
use crate::config::Config;
use crate::control::Control;
use crate::desk::Desk;
use crate::door::Invoke;
use crate::entry::{Aids, Door};
use crate::handshakes;
use crate::worker::Worker;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

/// The longest grace that a drain can have.
pub(crate) const GRACE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The public front door.
pub struct Gateway;

impl Gateway {
    /// Serves the doors with threads of its own. Returns when they run.
    ///
    /// # Errors
    /// If there is no door, or a listener, a thread or a runtime cannot be set up. Nothing runs
    /// then.
    pub fn start<E: Invoke>(
        config: Config,
        engine: Arc<E>,
        doors: Vec<Door>,
        aids: Aids,
    ) -> io::Result<Handle> {
        let addresses = doors.iter().map(|door| {
            door.listener.set_nonblocking(true)?;
            door.listener.local_addr()
        });
        let addresses = addresses.collect::<io::Result<Vec<_>>>()?;
        let address = *addresses.first().ok_or(io::ErrorKind::InvalidInput)?;
        let control = Arc::new(Control::new(config.worker_count()));
        let census = Arc::new(Census::new(&config));
        let Aids { challenges, log } = aids;
        let desk = Arc::new(Desk { engine, config: Arc::new(config), challenges, log });
        // Dropping it, as an early return does, stops what was started.
        let mut handle = Handle { address, control, threads: Vec::new(), done: Vec::new() };
        let mut senders = Vec::new();
        let loads = handle.control.workers.clone();
        for (index, load) in loads.into_iter().enumerate() {
            let (sender, arrivals) = mpsc::unbounded_channel();
            let (control, desk) = (Arc::clone(&handle.control), Arc::clone(&desk));
            senders.push(sender);
            handle.spawn_worker(index, Worker { desk, control, load, arrivals })?;
        }
        handle.spawn_acceptor(doors, census, senders)?;
        Ok(handle)
    }
}

/// What a drain came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Requests that ended while it lasted.
    pub finished: u64,
    /// Requests that were dropped when its time was over.
    pub aborted: u64,
}

/// What a gateway counts, since its start.
#[derive(Clone)]
pub struct Counts(Arc<Control>);

impl Counts {
    /// TLS handshakes that came to nothing, by reason; reasons that never occurred are left out.
    #[must_use]
    pub fn handshakes_failed(&self) -> Vec<(&'static str, u64)> {
        handshakes::sum(&self.0.workers.iter().map(|load| &load.handshakes))
    }

    /// Connections of a door for proxies that no proxy introduced.
    #[must_use]
    pub fn introductions_failed(&self) -> u64 {
        let workers = self.0.workers.iter();
        workers.map(|load| load.introductions_failed.load(Ordering::Relaxed)).sum()
    }
}

/// A running gateway. Dropping it aborts.
pub struct Handle {
    address: SocketAddr,
    control: Arc<Control>,
    threads: Vec<JoinHandle<()>>,
    done: Vec<oneshot::Receiver<Drained>>,
}

impl Handle {
    /// Where its first door is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is counted, to be looked at for as long as somebody wants to.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts(Arc::clone(&self.control))
    }

    /// Accepts nothing more, and finishes what was accepted: connections in the kernel's queue
    /// are served, answers carry `connection: close`, silent connections are closed. What is not
    /// finished after `grace` is dropped.
    pub async fn drain(mut self, grace: Duration) -> Drained {
        self.control.drain(grace.min(GRACE_MAX));
        let mut sum = Drained::default();
        for done in std::mem::take(&mut self.done) {
            // A worker that panicked has nothing to tell.
            let one = done.await.unwrap_or_default();
            sum.finished += one.finished;
            sum.aborted += one.aborted;
        }
        sum
    }

    /// Drops everything: connections, and with them the guests that answer them.
    pub fn abort(self) {
        drop(self);
    }

    fn spawn_worker<E: Invoke>(&mut self, index: usize, worker: Worker<E>) -> io::Result<()> {
        let runtime = runtime()?;
        let (sender, done) = oneshot::channel();
        self.done.push(done);
        self.spawn(format!("gateway-{index}"), move || {
            let drained = runtime.block_on(worker.run());
            runtime.shutdown_background();
            // Nobody waits for it after an abort.
            let _ = sender.send(drained);
        })
    }

    fn spawn_acceptor(
        &mut self,
        doors: Vec<Door>,
        census: Arc<Census>,
        workers: Vec<mpsc::UnboundedSender<crate::worker::Arrival>>,
    ) -> io::Result<()> {
        let runtime = runtime()?;
        let listeners = {
            let _inside = runtime.enter();
            doors.into_iter().map(listener).collect::<io::Result<Vec<_>>>()?
        };
        let control = Arc::clone(&self.control);
        let acceptor = Acceptor { listeners, control, census, workers };
        self.spawn("gateway-accept".to_owned(), move || runtime.block_on(acceptor.run()))
    }

    fn spawn(&mut self, name: String, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(std::thread::Builder::new().name(name).spawn(run)?);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.control.abort();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

/// Registers a door's socket with the runtime that this is called in.
fn listener(door: Door) -> io::Result<Listener> {
    let queue = door.listener.try_clone()?;
    let listener = tokio::net::TcpListener::from_std(door.listener)?;
    Ok(Listener { listener, queue, manner: door.manner })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}
