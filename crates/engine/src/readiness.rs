//! Whether a component's compiled form is there, and making it so.
//!
//! The compiled form is a cache: the component itself is the truth. So a form that is missing,
//! of another compiler, or not authentic is made again from the component.

use crate::wiring::Engine;
use model::{Code, Problem};
use ports::executor::{PrepareError, Program};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The state of one component, shared by the functions that run it.
#[derive(Debug)]
pub(crate) struct Readiness {
    program: Program,
    ready: AtomicBool,
    making: tokio::sync::Mutex<()>,
}

impl Readiness {
    pub(crate) fn new(program: Program) -> Self {
        Self { program, ready: AtomicBool::new(false), making: tokio::sync::Mutex::new(()) }
    }

    /// What the fast path asks.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says that the component can be run.
    pub(crate) fn mark(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Says that the compiled form turned out to be unusable.
    pub(crate) fn doubt(&self) {
        self.ready.store(false, Ordering::Release);
    }
}

impl Engine {
    /// Makes the component runnable; callers that come meanwhile wait for the same work.
    pub(crate) async fn make_ready(&self, readiness: &Readiness) -> Result<(), Problem> {
        let _one_at_a_time = readiness.making.lock().await;
        if readiness.is_ready() {
            return Ok(());
        }
        let program = readiness.program;
        let artifact = program.artifact;
        if !self.parts.executor.ready(program).await.map_err(prepare_problem)? {
            tracing::info!(%artifact, "compiling a component again, its compiled form is not usable");
            let component = self.parts.artifacts.read(artifact).await.map_err(artifact_problem)?;
            self.parts.executor.prepare(program, component).await.map_err(prepare_problem)?;
        }
        readiness.mark();
        Ok(())
    }

    /// Makes a program runnable that is about to be deployed.
    ///
    /// # Errors
    /// It is at fault, or the platform is.
    pub(crate) async fn prepare_one(&self, program: Program) -> Result<(), Problem> {
        let known = self.catalog.load().readiness(program).map(Arc::clone);
        let readiness = known.unwrap_or_else(|| Arc::new(Readiness::new(program)));
        if readiness.is_ready()
            || self.parts.executor.ready(program).await.map_err(prepare_problem)?
        {
            return Ok(());
        }
        let read = self.parts.artifacts.read(program.artifact).await;
        let bytes = read.map_err(artifact_problem)?;
        self.parts.executor.prepare(program, bytes).await.map_err(prepare_problem)
    }
}

pub(crate) fn prepare_problem(error: PrepareError) -> Problem {
    match error {
        PrepareError::Refused(problem) => problem,
        other => Problem::new(Code::Internal).internal(other),
    }
}

pub(crate) fn artifact_problem(error: ports::artifacts::Error) -> Problem {
    use ports::artifacts::Error;
    match error {
        Error::Missing(digest) => Problem::new(Code::ArtifactMissing).detail(digest),
        Error::Full(_) => Problem::new(Code::DiskFull),
        Error::Digest { expected, found } => Problem::new(Code::DigestMismatch)
            .detail(format!("announced {expected}, found {found}")),
        other => Problem::new(Code::StoreFailed).internal(chain(&other)),
    }
}

/// An error and all its sources in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
