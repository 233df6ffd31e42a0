//! The executor: what the engine of the platform sees of this crate.

use crate::clockwork::Clockwork;
use crate::compiled::{SealedFile, ShelfError};
use crate::config::{Config, Error, Origin};
use crate::fault::fault;
use crate::meter::Shared;
use crate::prepare::Compiler;
use crate::run::{self, Guest, Invocation};
use crate::runtime::{Found, LoadError, Runtime};
use bytes::Bytes;
use model::manifest::Wasi;
use model::{Code, Digest, Problem};
use ports::Future;
use ports::executor::{Executor, Fault, FaultKind, PrepareError, Program, Programs, Run, Running};
use std::collections::BTreeSet;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;

/// Runs WebAssembly components.
pub struct WasmExecutor {
    /// The engine of WASI 0.2.
    runtime_02: Arc<Runtime>,
    /// The engine of WASI 0.3, if the node allows it. Without it, nothing of 0.3 is set up.
    runtime_03: Option<Arc<Runtime>>,
    clockwork: Arc<Clockwork>,
    /// Absent where nothing is compiled.
    compiler: Option<Compiler>,
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
    /// Instances of WASI 0.3 that can live beside, if the node allows them.
    pub instances_03: Option<u32>,
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
        let found_02 = Found::new(Wasi::V02, &config)?;
        let found_03 = config.wasi_03.then(|| Found::new(Wasi::V03, &config)).transpose()?;
        let facts = Facts {
            instances: found_02.run.instances,
            instances_wanted: config.instances,
            instances_03: found_03.as_ref().map(|found| found.run.instances),
            pagemap_scan: found_02.run.pagemap_scan,
            epoch_ms: config.epoch_ms.max(1),
            memory_bytes_max: config.memory_bytes_max,
            compatibility: blake3::Hash::from_bytes(found_02.compatibility).to_hex()[..32]
                .to_owned(),
        };
        let found: Vec<&Found> =
            [Some(&found_02), found_03.as_ref()].into_iter().flatten().collect();
        let engines: Vec<_> = found.iter().map(|found| &found.run.engine).collect();
        let all: Vec<_> = found.iter().map(|found| found.compatibility).collect();
        let clockwork = Clockwork::start(&engines, config.epoch()).map_err(Error::Ticker)?;
        let runtime_02 = found_02.runtime(&config, &all, &clockwork)?;
        let runtime_03 =
            found_03.map(|found| found.runtime(&config, &all, &clockwork)).transpose()?;
        let compiler = match config.origin {
            Origin::Here(workshop) => {
                Some(Compiler::new(workshop.children, workshop.compile_limits))
            }
            Origin::Elsewhere(_) => None,
        };
        Ok(Arc::new(Self { runtime_02, runtime_03, clockwork, compiler, facts }))
    }

    /// How it is set up.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How many components are loaded, and the bytes of their code.
    #[must_use]
    pub fn loaded(&self) -> (usize, u64) {
        let other = self.runtime_03.as_ref().map_or((0, 0), |runtime| runtime.cache.size());
        let (count, bytes) = self.runtime_02.cache.size();
        (count + other.0, bytes + other.1)
    }

    fn runtime(&self, program: Program) -> Option<&Arc<Runtime>> {
        match program.wasi()? {
            Wasi::V02 => Some(&self.runtime_02),
            Wasi::V03 => self.runtime_03.as_ref(),
        }
    }
}

impl Programs for WasmExecutor {
    fn code(&self, program: Program) -> Future<'_, Result<File, Fault>> {
        let runtime = self.runtime(program).map(Arc::clone);
        Box::pin(async move {
            let Some(runtime) = runtime else {
                let problem = Problem::new(Code::WasiNotAllowed);
                return Err(fault(FaultKind::Platform, problem.to_string()));
            };
            tokio::task::spawn_blocking(move || runtime.read(program.artifact))
                .await
                .unwrap_or_else(|error| Err(LoadError::Unusable(error.to_string())))
                .map(SealedFile::into_file)
                .map_err(|error| error.fault())
        })
    }
}

impl Executor for WasmExecutor {
    fn prepare(&self, program: Program, component: Bytes) -> Future<'_, Result<(), PrepareError>> {
        let allowed_03 = self.runtime_03.is_some();
        let runtime = self.runtime(program);
        match &self.compiler {
            Some(compiler) => Box::pin(compiler.prepare(runtime, program, component, allowed_03)),
            None => Box::pin(std::future::ready(Err(PrepareError::Failed {
                artifact: program.artifact,
                reason: "nothing is compiled here".to_owned(),
            }))),
        }
    }

    fn ready(&self, program: Program) -> Future<'_, Result<bool, PrepareError>> {
        Box::pin(async move {
            let artifact = program.artifact;
            let Some(runtime) = self.runtime(program) else { return Ok(false) };
            match runtime.find_or_load(artifact).await {
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

    fn keep_only(&self, components: BTreeSet<Digest>) -> Future<'_, usize> {
        let runtimes: Vec<_> =
            [Some(&self.runtime_02), self.runtime_03.as_ref()].into_iter().flatten().collect();
        let runtimes: Vec<Arc<Runtime>> = runtimes.into_iter().map(Arc::clone).collect();
        let work = tokio::task::spawn_blocking(move || {
            let shelves = runtimes.iter().filter_map(|runtime| runtime.source.shelf());
            shelves.map(|shelf| shelf.keep_only(&components)).sum()
        });
        Box::pin(async { work.await.unwrap_or_default() })
    }

    fn run(&self, run: Run) -> Pin<Box<dyn Running>> {
        let runtime = self.runtime(run.unit.program).map(Arc::clone);
        let answers_head = run.request.method() == http::Method::HEAD;
        let clockwork = Arc::clone(&self.clockwork);
        let shared = Arc::new(Shared::new(run.unit, run.host, run.files, clockwork));
        let guest: Guest = match runtime {
            Some(runtime) => Box::pin(run::drive(runtime, run.request, Arc::clone(&shared))),
            None => Box::pin(std::future::ready(Err(fault(
                FaultKind::Platform,
                Problem::new(Code::WasiNotAllowed).to_string(),
            )))),
        };
        Box::pin(Invocation::new(guest, answers_head, shared))
    }
}
