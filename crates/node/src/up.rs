//! One life of a node: bind, open, serve, drain.

use crate::assemble::{Assembled, assemble};
use crate::beacon::Beacon;
use crate::doctor::NodeOperations;
use crate::home::Home;
use crate::settings::Settings;
use crate::telemetry;
use control::Control;
use engine::Cut;
use gateway::Gateway;
use model::{Code, Problem};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a node says when it takes requests.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The public listener, as a URL.
    pub gateway: String,
    /// The admin listener, as a URL.
    pub admin: String,
    /// The home.
    pub home: PathBuf,
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was asked to, and drained.
    Drained,
    /// A second signal, with this number, aborted the drain.
    Aborted(u8),
}

/// Runs a node until SIGTERM or Ctrl-C has drained it. A second signal aborts the drain.
///
/// `on_ready` is called once, when both listeners answer.
///
/// # Errors
/// What kept it from starting; after `on_ready`, only a journal that could not be closed.
pub fn up(
    settings: Settings,
    on_ready: impl FnOnce(&Ready) + Send + 'static,
) -> Result<End, Problem> {
    telemetry::begin(&settings)?;
    let internal = |error: std::io::Error| Problem::new(Code::Internal).internal(error);
    raise_descriptor_limit();
    // Bound first, so that a taken address is found before anything is opened or changed.
    let gateway = bind(settings.listen, "listen")?;
    let admin = bind(settings.admin, "admin")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(internal)?;
    let outcome = runtime.block_on(live(settings, gateway, admin, on_ready));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// Every connection takes a descriptor, and the usual soft limit of 1,024 is soon used up.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit on open files could not be raised");
        }
    }
}

fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Problem> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        Problem::new(Code::AddressInUse).detail(format!("`{key}` {address}: {error}"))
    })
}

async fn live(
    settings: Settings,
    gateway_listener: TcpListener,
    admin_listener: TcpListener,
    on_ready: impl FnOnce(&Ready),
) -> Result<End, Problem> {
    let internal = |error: std::io::Error| Problem::new(Code::Internal).internal(error);
    let mut signals = Signals::new().map_err(internal)?;
    let home = Home::open(&settings.home)?;
    let gateway_address = gateway_listener.local_addr().map_err(internal)?;
    let admin_address = admin_listener.local_addr().map_err(internal)?;
    let assembled = assemble(&settings, &home).await?;
    let engine = Arc::clone(&assembled.engine);
    let gateway = Gateway::start(gateway_config(&settings), Arc::clone(&engine), gateway_listener)
        .map_err(internal)?;
    let ready = Ready {
        gateway: format!("http://{gateway_address}"),
        admin: format!("http://{admin_address}"),
        home: home.path().to_owned(),
    };
    let operations = Arc::new(NodeOperations::new(&settings, &assembled, &ready));
    let control = Control {
        engine: Arc::clone(&engine),
        operations,
        artifact_bytes_max: settings.artifact.bytes,
    }
    .build();
    let (stop_control, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = tokio::net::TcpListener::from_std(admin_listener).map_err(internal)?;
    let grace = settings.drain.std();
    let serving = tokio::spawn(control.run(listener, async { drop(stopped.await) }, grace));
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    Beacon { gateway: gateway_address, admin: admin_address, pid, boot: assembled.boot }
        .light(home.path())?;
    let warming = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.warm().await }
    });
    on_ready(&ready);
    signals.next().await;
    tracing::info!("draining: accepted requests are finished, no new ones are taken");
    let draining = async {
        let drained = gateway.drain(grace).await;
        tracing::info!(finished = drained.finished, aborted = drained.aborted, "drained");
        engine.drain();
        drop(stop_control);
        let _ended = serving.await;
    };
    let again = async {
        let signal = signals.next().await;
        tracing::warn!("a second signal: requests under way are aborted");
        // Before they are dropped, so that their records say why.
        engine.cut(Cut::Abort);
        signal
    };
    let end = tokio::select! {
        () = draining => End::Drained,
        signal = again => End::Aborted(signal),
    };
    warming.abort();
    Beacon::put_out(home.path());
    close(assembled).await?;
    Ok(end)
}

async fn close(assembled: Assembled) -> Result<(), Problem> {
    let closed = assembled.journal.close().await;
    closed.map_err(|error| Problem::new(Code::StoreFailed).detail("the journal").internal(error))
}

fn gateway_config(settings: &Settings) -> gateway::Config {
    let mut config = gateway::Config::default();
    if settings.gateway.workers > 0 {
        config.workers = settings.gateway.workers;
    }
    config.connections_max = settings.gateway.connections;
    config.connections_per_address_max = settings.gateway.connections_per_address;
    config.head_timeout_ms = settings.gateway.head_timeout.ms;
    config.body_idle_ms = settings.gateway.body_idle.ms;
    config.idle_ms = settings.gateway.idle.ms;
    config
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one, and gives its number.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }
}
