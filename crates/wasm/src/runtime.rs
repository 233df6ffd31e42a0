//! One engine and all that belongs to it: its linker, its compiled forms on disk, its loaded ones.
//!
//! Invariant: nothing of one runtime, be it an instance, a stack or loaded code, is taken from
//! another's share.

use crate::cache::{Cache, Loaded};
use crate::clockwork::Clockwork;
use crate::compiled::{SealedFile, Shelf, ShelfError, code};
use crate::config::{Config, Error, Origin};
use crate::fault::fault;
use crate::inspect;
use crate::settings::{self, RunEngine};
use crate::state::State;
use model::Digest;
use model::manifest::Wasi;
use ports::Clock;
use ports::executor::{Fault, FaultKind, Form, Program, Programs};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Engine;
use wasmtime::component::Linker;

/// One engine and what belongs to it.
pub(crate) struct Runtime {
    /// The version of WASI that its guests are built for.
    pub(crate) wasi: Wasi,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) source: Source,
    pub(crate) cache: Cache,
    pub(crate) clock: Arc<dyn Clock>,
    /// What guests take for the time of day, if not the host's.
    pub(crate) guest_clock: Option<Arc<dyn Clock>>,
    pub(crate) clockwork: Arc<Clockwork>,
    pub(crate) epoch: Duration,
}

/// Where a runtime's compiled components are.
pub(crate) enum Source {
    /// In a directory.
    Shelf(Shelf),
    /// With somebody who hands them over.
    Elsewhere(Arc<dyn Programs>),
}

impl Source {
    /// The directory, if there is one.
    pub(crate) fn shelf(&self) -> Option<&Shelf> {
        match self {
            Self::Shelf(shelf) => Some(shelf),
            Self::Elsewhere(_) => None,
        }
    }
}

/// An engine that was set up, and what its compiled code must match.
pub(crate) struct Found {
    pub(crate) run: RunEngine,
    pub(crate) compatibility: [u8; 32],
    wasi: Wasi,
}

impl Found {
    /// Sets an engine up.
    ///
    /// # Errors
    /// [`Error::Engine`].
    pub(crate) fn new(wasi: Wasi, config: &Config) -> Result<Self, Error> {
        let engine_error = |error: wasmtime::Error| Error::Engine(format!("{error:#}"));
        let compiling = settings::compile_engine(wasi).map_err(engine_error)?;
        let compatibility = settings::compatibility(&compiling, wasi);
        drop(compiling);
        let run = settings::run_engine(wasi, config.instances, config.memory_bytes_max)
            .map_err(engine_error)?;
        Ok(Self { run, compatibility, wasi })
    }

    /// Makes a runtime of it. `all` says what the code of every engine of this node must match.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn runtime(
        self,
        config: &Config,
        all: &[[u8; 32]],
        clockwork: &Arc<Clockwork>,
    ) -> Result<Arc<Runtime>, Error> {
        let engine = self.run.engine;
        let source = match &config.origin {
            Origin::Here(workshop) => {
                let path = &workshop.compiled_dir;
                Shelf::open(path, workshop.mac_key.clone(), self.compatibility, all)
                    .map(Source::Shelf)
                    .map_err(|source| Error::Directory { path: path.clone(), source })?
            }
            Origin::Elsewhere(programs) => Source::Elsewhere(Arc::clone(programs)),
        };
        let linker = inspect::linker(&engine, self.wasi)
            .map_err(|error| Error::Engine(format!("{error:#}")))?;
        Ok(Arc::new(Runtime {
            wasi: self.wasi,
            engine,
            linker,
            source,
            cache: Cache::new(config.cache_bytes),
            clock: Arc::clone(&config.clock),
            guest_clock: config.guest_clock.clone(),
            clockwork: Arc::clone(clockwork),
            epoch: config.epoch(),
        }))
    }
}

impl Runtime {
    pub(crate) fn now(&self) -> u64 {
        self.clockwork.ticks()
    }

    /// Reads and checks a compiled component. Blocks.
    pub(crate) fn read(&self, digest: Digest) -> Result<SealedFile, LoadError> {
        match self.source.shelf() {
            Some(shelf) => Ok(shelf.read(digest)?),
            None => Err(LoadError::Unusable("no compiled component is kept here".to_owned())),
        }
    }

    /// Maps and links a compiled component. Blocks.
    fn load(&self, digest: Digest, sealed: &SealedFile) -> Result<Loaded, LoadError> {
        let began = self.clock.monotonic();
        let bytes = sealed.len().map_err(|source| ShelfError::Io { digest, source })?;
        let loaded = code::map_trusted(&self.engine, sealed)
            .map_err(|error| LoadError::Unusable(format!("{error:#}")))
            .and_then(|component| {
                let linked = inspect::link(&self.linker, &component, self.wasi)
                    .map_err(|problem| LoadError::Unusable(problem.to_string()))?;
                Ok(Loaded::new(linked, bytes))
            });
        let took_us = self.clock.monotonic().saturating_sub(began).as_micros();
        tracing::debug!(artifact = %digest, bytes, took_us, "loaded a component");
        loaded
    }

    pub(crate) async fn find_or_load(
        self: &Arc<Self>,
        digest: Digest,
    ) -> Result<Arc<Loaded>, LoadError> {
        let runtime = Arc::clone(self);
        self.cache
            .find_or_load(digest, self.now(), || async move {
                let handed = match &runtime.source {
                    Source::Shelf(_) => None,
                    Source::Elsewhere(programs) => {
                        let program =
                            Program { artifact: digest, form: Form::Component(runtime.wasi) };
                        let file = programs.code(program).await;
                        let file = file.map_err(|fault| LoadError::Unusable(fault.reason))?;
                        Some(SealedFile::handed_over(file))
                    }
                };
                tokio::task::spawn_blocking(move || {
                    let sealed = match handed {
                        Some(sealed) => sealed,
                        None => runtime.read(digest)?,
                    };
                    runtime.load(digest, &sealed)
                })
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
    pub(crate) fn fault(&self) -> Fault {
        let reason = match self {
            Self::Shelf(ShelfError::NotAuthentic(_)) => format!("E0409: {self}"),
            Self::Shelf(ShelfError::Io { source, .. }) => format!("{self}: {source}"),
            Self::Shelf(_) | Self::Unusable(_) => self.to_string(),
        };
        fault(FaultKind::Platform, reason)
    }
}
