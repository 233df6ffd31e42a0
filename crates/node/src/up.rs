//! One life of a node: bind, open, serve, drain.

use crate::assemble::{Surroundings, assemble};
use crate::beacon::Beacon;
use crate::certificates;
use crate::clock::SystemClock;
use crate::counting;
use crate::doctor::NodeOperations;
use crate::doors::{Addresses, Listeners, access_log};
use crate::home::Home;
use crate::settings::Settings;
use crate::telemetry;
use crate::workers::Workers;
use control::Control;
use engine::{Cut, Engine};
use gateway::AccessLog;
use model::{Code, Problem};
use ports::Journal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often unused components and files are looked for.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// What a node says when it takes requests.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The public listener, as a URL.
    pub gateway: String,
    /// The HTTPS listener, as a URL, if there is one.
    pub tls: Option<String>,
    /// The admin listener, as a URL.
    pub admin: String,
    /// The listener for those who call the node as AWS Lambda, as a URL, if there is one.
    pub api: Option<String>,
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
    let listeners = Listeners::bind(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(internal)?;
    let outcome = runtime.block_on(live(settings, listeners, on_ready));
    runtime.shutdown_timeout(Duration::from_secs(1));
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

async fn live(
    settings: Settings,
    listeners: Listeners,
    on_ready: impl FnOnce(&Ready),
) -> Result<End, Problem> {
    let internal = |error: std::io::Error| Problem::new(Code::Internal).internal(error);
    let mut signals = Signals::new().map_err(internal)?;
    certificates::check(&settings, &SystemClock)?;
    let home = Home::open(&settings.home)?;
    let addresses = listeners.addresses().map_err(internal)?;
    let assembled = assemble(&settings, &home, Surroundings::real()).await?;
    let engine = Arc::clone(&assembled.engine);
    let certificates = assembled.certificates.as_ref();
    let log = access_log(&settings)?;
    let opened = listeners.open(&settings, Arc::clone(&engine), certificates, log.clone());
    let (gateway, admin, api) = opened.map_err(internal)?;
    let reopening = tokio::spawn(Signals::reopening(log).map_err(internal)?);
    let ready = Ready::at(&addresses, &home);
    let operations = Arc::new(NodeOperations::new(&settings, &assembled, &ready, gateway.counts()));
    let rewrap = operations.rewrap();
    let artifact_bytes_max = settings.artifact.bytes;
    let control = Control { engine: Arc::clone(&engine), operations, artifact_bytes_max }.build();
    let (stop_control, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = tokio::net::TcpListener::from_std(admin).map_err(internal)?;
    let grace = settings.drain.std();
    // Before anything is answered, so that whoever sees it answer finds it by its home.
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    Beacon { gateway: addresses.gateway, admin: addresses.admin, pid, boot: assembled.boot }
        .light(home.path())?;
    let serving = tokio::spawn(control.run(listener, async { drop(stopped.await) }, grace));
    let calling = Calling::begin(api, &engine, &addresses_below(&settings, &addresses), grace)
        .map_err(internal)?;
    let warming = tokio::spawn(warm(Arc::clone(&engine)));
    let tending = certificates::tend(assembled.certificates.clone()).map_err(internal)?;
    let workers = Workers::begin(Arc::clone(&engine), settings.queue.workers);
    let mut workers = workers.map_err(internal)?;
    let counting = tokio::spawn(counting::keep(Arc::clone(&engine)));
    let moving = tokio::spawn(Arc::clone(&rewrap).resume());
    let watching = tokio::spawn(assembled.key_files.watch());
    on_ready(&ready);
    signals.next().await;
    tracing::info!("draining: accepted requests are finished, no new ones are taken");
    workers.stop();
    let draining = async {
        let (drained, ()) = tokio::join!(gateway.drain(grace), calling.end());
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
    tending.abort();
    reopening.abort();
    watching.abort();
    counting.abort();
    moving.abort();
    rewrap.stop();
    // The gateway's drain had the grace; what runs here is tried again if it is cut off.
    let patience = if end == End::Drained { grace } else { Duration::ZERO };
    workers.end(&engine, patience).await;
    engine.keep_caps(true).await;
    Beacon::put_out(home.path());
    close(&assembled.journal).await?;
    Ok(end)
}

impl Ready {
    fn at(addresses: &Addresses, home: &Home) -> Self {
        Self {
            gateway: format!("http://{}", addresses.gateway),
            tls: addresses.tls.map(|tls| format!("https://{tls}")),
            admin: format!("http://{}", addresses.admin),
            api: addresses.compat.map(|api| format!("http://{api}")),
            home: home.path().to_owned(),
        }
    }
}

/// The listener for those who call the node as AWS Lambda, if there is one.
struct Calling(Option<(tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>)>);

impl Calling {
    fn begin(
        listener: Option<std::net::TcpListener>,
        engine: &Arc<Engine>,
        urls: &str,
        grace: Duration,
    ) -> std::io::Result<Self> {
        let Some(listener) = listener else { return Ok(Self(None)) };
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let compat = compat::Compat::new(Arc::clone(engine), urls);
        let running = compat.run(listener, async { drop(stopped.await) }, grace);
        Ok(Self(Some((stop, tokio::spawn(running)))))
    }

    /// Finishes what it accepted.
    async fn end(self) {
        if let Some((stop, running)) = self.0 {
            drop(stop);
            let _ended = running.await;
        }
    }
}

/// Where addresses of functions are: scheme, domain and port.
fn addresses_below(settings: &Settings, addresses: &Addresses) -> String {
    let said = settings.compat.as_ref().and_then(|compat| compat.urls.clone());
    said.unwrap_or_else(|| format!("{}:{}", crate::settings::LOCAL, addresses.gateway.port()))
}

/// Makes functions ready, then keeps house.
async fn warm(engine: Arc<Engine>) {
    engine.warm().await;
    sweep(&engine).await;
}

/// Removes what nothing refers to, now and then.
async fn sweep(engine: &Engine) {
    loop {
        if let Err(problem) = engine.sweep().await {
            let internal = problem.internal.as_deref();
            tracing::warn!(%problem, internal, "unused components and files were not removed");
        }
        if let Err(problem) = engine.sweep_uploads().await {
            let internal = problem.internal.as_deref();
            tracing::warn!(%problem, internal, "uploads of blobs were not given up");
        }
        if let Err(problem) = engine.sweep_expired_uploads().await {
            let internal = problem.internal.as_deref();
            tracing::warn!(%problem, internal, "uploads that expired were not given up");
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

async fn close(journal: &Arc<dyn Journal>) -> Result<(), Problem> {
    let closed = journal.close().await;
    closed.map_err(|error| Problem::new(Code::StoreFailed).detail("the journal").internal(error))
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

    /// Opens the access log anew with each SIGHUP, which ends nothing.
    fn reopening(
        log: Option<Arc<AccessLog>>,
    ) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
        let mut hangup = signal(SignalKind::hangup())?;
        Ok(async move {
            while hangup.recv().await.is_some() {
                if let Some(log) = &log {
                    log.reopen();
                }
            }
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
