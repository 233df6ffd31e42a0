//! Starts the gateway's threads and stops them.

use crate::accept::Acceptor;
use crate::census::Census;
use crate::config::Config;
use crate::control::Control;
use crate::door::Invoke;
use crate::worker::Worker;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

/// The longest grace that a drain can have.
pub(crate) const GRACE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The public front door.
pub struct Gateway;

impl Gateway {
    /// Serves `listener` with threads of its own. Returns when they run.
    ///
    /// # Errors
    /// If the listener, a thread or a runtime cannot be set up. Nothing runs then.
    pub fn start<E: Invoke>(
        config: Config,
        engine: Arc<E>,
        listener: TcpListener,
    ) -> io::Result<Handle> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let control = Arc::new(Control::new(config.worker_count()));
        let census = Arc::new(Census::new(&config));
        let config = Arc::new(config);
        // Dropping it, as an early return does, stops what was started.
        let mut handle = Handle { address, control, threads: Vec::new(), done: Vec::new() };
        let mut senders = Vec::new();
        let loads = handle.control.workers.clone();
        let engines = std::iter::repeat_n(engine, loads.len());
        for (index, (load, engine)) in loads.into_iter().zip(engines).enumerate() {
            let (sender, arrivals) = mpsc::unbounded_channel();
            let control = Arc::clone(&handle.control);
            let config = Arc::clone(&config);
            let worker = Worker { engine, config, control, load, arrivals };
            senders.push(sender);
            handle.spawn_worker(index, worker)?;
        }
        handle.spawn_acceptor(listener, census, senders)?;
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

/// A running gateway. Dropping it aborts.
pub struct Handle {
    address: SocketAddr,
    control: Arc<Control>,
    threads: Vec<JoinHandle<()>>,
    done: Vec<oneshot::Receiver<Drained>>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
        listener: TcpListener,
        census: Arc<Census>,
        workers: Vec<mpsc::UnboundedSender<crate::worker::Arrival>>,
    ) -> io::Result<()> {
        let runtime = runtime()?;
        let queue = listener.try_clone()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let control = Arc::clone(&self.control);
        let acceptor = Acceptor { listener, queue, control, census, workers };
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

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}
