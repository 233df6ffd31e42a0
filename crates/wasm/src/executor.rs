//! The executor: what the engine of the platform sees of this crate.

use crate::cache::{Cache, Loaded};
use crate::clockwork::Clockwork;
use crate::compiled::{Shelf, ShelfError, code};
use crate::config::{Config, Error};
use crate::fault::{ended, fault};
use crate::inspect;
use crate::meter::Shared;
use crate::prepare::Compiler;
use crate::run::{Guest, Invocation, hand_over};
use crate::settings::{self, RunEngine};
use crate::state::{self, State};
use bytes::Bytes;
use model::Digest;
use ports::executor::{Executor, Fault, FaultKind, PrepareError, RequestBody, Run, Running};
use ports::{Clock, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wasmtime::component::Linker;
use wasmtime::{Engine, Store};
use wasmtime_wasi_http::WasiHttpView as _;

/// Runs WebAssembly components.
pub struct WasmExecutor {
    inner: Arc<Inner>,
    compiler: Compiler,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) shelf: Shelf,
    pub(crate) cache: Cache,
    pub(crate) clock: Arc<dyn Clock>,
    guest_clock: Option<Arc<dyn Clock>>,
    clockwork: Arc<Clockwork>,
    epoch: Duration,
    facts: Facts,
}

/// How the executor is set up, for `doctor` and for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Instances that can live at one time.
    pub instances: u32,
    /// Instances that the configuration asked for; more than `instances` if the address space
    /// has no room for them.
    pub instances_wanted: u32,
    /// Whether the kernel tells which pages of a memory are dirty (Linux 6.7 and later). Without
    /// it, every new instance costs more.
    pub pagemap_scan: bool,
    /// The length of an epoch, in milliseconds.
    pub epoch_ms: u64,
    /// Largest linear memory, in bytes.
    pub memory_bytes_max: u64,
    /// What compiled code must match: Wasmtime's version, its settings, this processor.
    pub compatibility: String,
}

impl WasmExecutor {
    /// Sets everything up and starts the ticker.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(config: Config) -> Result<Arc<Self>, Error> {
        let engine_error = |error: wasmtime::Error| Error::Engine(format!("{error:#}"));
        let compiling = settings::compile_engine().map_err(engine_error)?;
        let compatibility = settings::compatibility(&compiling);
        drop(compiling);
        let RunEngine { engine, instances, pagemap_scan } =
            settings::run_engine(config.instances, config.memory_bytes_max)
                .map_err(engine_error)?;
        let shelf = Shelf::open(&config.compiled_dir, config.mac_key.clone(), compatibility)
            .map_err(|source| Error::Directory { path: config.compiled_dir.clone(), source })?;
        let epoch = Duration::from_millis(config.epoch_ms.max(1));
        let clockwork = Clockwork::start(&engine, epoch).map_err(Error::Ticker)?;
        let facts = Facts {
            instances,
            instances_wanted: config.instances,
            pagemap_scan,
            epoch_ms: config.epoch_ms.max(1),
            memory_bytes_max: config.memory_bytes_max,
            compatibility: blake3::Hash::from_bytes(compatibility).to_hex()[..32].to_owned(),
        };
        let linker = inspect::linker(&engine).map_err(engine_error)?;
        let inner = Inner {
            engine,
            linker,
            shelf,
            cache: Cache::new(config.cache_bytes),
            clock: config.clock,
            guest_clock: config.guest_clock,
            clockwork,
            epoch,
            facts,
        };
        let compiler = Compiler::new(config.children, config.compile_limits);
        Ok(Arc::new(Self { inner: Arc::new(inner), compiler }))
    }

    /// How it is set up.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.inner.facts
    }

    /// How many components are loaded, and the bytes of their code.
    #[must_use]
    pub fn loaded(&self) -> (usize, u64) {
        self.inner.cache.size()
    }
}

impl Inner {
    pub(crate) fn now(&self) -> u64 {
        self.clockwork.ticks()
    }

    /// Reads, checks, maps and links a compiled component. Blocks.
    fn load(&self, digest: Digest) -> Result<Loaded, LoadError> {
        let began = self.clock.monotonic();
        let sealed = self.shelf.read(digest)?;
        let bytes = sealed.len().map_err(|source| ShelfError::Io { digest, source })?;
        let loaded = code::map_trusted(&self.engine, &sealed)
            .map_err(|error| LoadError::Unusable(format!("{error:#}")))
            .and_then(|component| {
                let pre = inspect::link(&self.linker, &component)
                    .map_err(|problem| LoadError::Unusable(problem.to_string()))?;
                Ok(Loaded::new(pre, bytes))
            });
        let took_us = self.clock.monotonic().saturating_sub(began).as_micros();
        tracing::debug!(artifact = %digest, bytes, took_us, "loaded a component");
        loaded
    }

    pub(crate) async fn find_or_load(
        self: &Arc<Self>,
        digest: Digest,
    ) -> Result<Arc<Loaded>, LoadError> {
        let inner = Arc::clone(self);
        self.cache
            .find_or_load(digest, self.now(), || async move {
                tokio::task::spawn_blocking(move || inner.load(digest))
                    .await
                    .unwrap_or_else(|error| Err(LoadError::Unusable(error.to_string())))
            })
            .await
    }
}

/// Why a compiled component was not loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// It is authentic and still does not fit this node.
    #[error("{0}")]
    Unusable(String),
}

impl LoadError {
    fn fault(&self) -> Fault {
        let reason = match self {
            Self::Shelf(ShelfError::NotAuthentic(_)) => format!("E0409: {self}"),
            Self::Shelf(ShelfError::Io { source, .. }) => format!("{self}: {source}"),
            Self::Shelf(_) | Self::Unusable(_) => self.to_string(),
        };
        fault(FaultKind::Platform, reason)
    }
}

impl Executor for WasmExecutor {
    fn prepare(&self, artifact: Digest, component: Bytes) -> Future<'_, Result<(), PrepareError>> {
        Box::pin(self.compiler.prepare(&self.inner, artifact, component))
    }

    fn ready(&self, artifact: Digest) -> Future<'_, Result<bool, PrepareError>> {
        Box::pin(async move {
            match self.inner.find_or_load(artifact).await {
                Ok(_) => Ok(true),
                Err(LoadError::Shelf(ShelfError::Io { source, .. })) => {
                    Err(PrepareError::Failed { artifact, reason: source.to_string() })
                }
                Err(error) => {
                    tracing::debug!(%artifact, %error, "a component is not ready");
                    Ok(false)
                }
            }
        })
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let inner = Arc::clone(&self.inner);
        let clockwork = Arc::clone(&inner.clockwork);
        let answers_head = run.request.method() == http::Method::HEAD;
        let shared = Arc::new(Shared::new(run.unit, run.host, clockwork));
        let guest: Guest = Box::pin(drive(inner, run.request, Arc::clone(&shared)));
        Box::pin(Invocation::new(guest, answers_head, shared))
    }
}

/// The whole life of a guest.
async fn drive(
    inner: Arc<Inner>,
    request: http::Request<RequestBody>,
    shared: Arc<Shared>,
) -> Result<(), Fault> {
    let digest = shared.unit.artifact;
    let loaded = match inner.cache.find(&digest, inner.now()) {
        Some(loaded) => loaded,
        None => inner.find_or_load(digest).await.map_err(|error| error.fault())?,
    };
    let platform = |error: wasmtime::Error| fault(FaultKind::Platform, format!("{error:#}"));
    let mut store = state::store(&inner.engine, &shared, inner.epoch, inner.guest_clock.as_ref())
        .map_err(platform)?;
    let called = call(&mut store, &loaded, request, &shared).await;
    let settled = std::pin::pin!(tokio::task::unconstrained(std::future::poll_fn(|cx| {
        let mut exchange = shared.exchange.lock();
        if exchange.has_responded() {
            exchange.settle(cx);
        }
        Poll::Ready(())
    })));
    settled.await;
    drop(store);
    called.or_else(|error| ended(&error, &shared))
}

async fn call(
    store: &mut Store<State>,
    loaded: &Loaded,
    request: http::Request<RequestBody>,
    shared: &Arc<Shared>,
) -> wasmtime::Result<()> {
    let request = hand_over(request, store.data_mut().http(), shared)?;
    let reply = Arc::clone(shared);
    let outparam = store
        .data_mut()
        .http()
        .new_response_outparam_from_callback(move |result| reply.exchange.lock().respond(result))?;
    let proxy = loaded.pre.instantiate_async(&mut *store).await?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, outparam).await
}
