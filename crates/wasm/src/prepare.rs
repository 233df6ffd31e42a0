//! Making a component ready: checked, compiled in a child, authenticated, kept.
//!
//! Invariant: the compiler runs in a child of its own for every component, never in the node.
//! Invariant: a component that is refused leaves no file behind.

use crate::cache::Loaded;
use crate::compiled::{SealedFile, ShelfError, code, sealed};
use crate::fault::plain;
use crate::inspect;
use crate::runtime::Runtime;
use bytes::Bytes;
use model::manifest::Wasi;
use model::{Code, Digest, Problem};
use ports::child::{self, ChildLimits, Children, Job};
use ports::executor::{PrepareError, Program};
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Longest text of the compiler in a problem.
const REASON_BYTES_MAX: usize = 2 << 10;

/// Starts compiler children, a few at a time.
pub(crate) struct Compiler {
    children: Arc<dyn Children>,
    limits: ChildLimits,
    /// The compiler uses every core; half as many children leave room for requests.
    permits: Semaphore,
}

impl Compiler {
    pub(crate) fn new(children: Arc<dyn Children>, limits: ChildLimits) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { children, limits, permits: Semaphore::new((cores / 2).max(1)) }
    }

    /// Makes `component` ready under its digest.
    pub(crate) async fn prepare(
        &self,
        runtime: Option<&Arc<Runtime>>,
        program: Program,
        component: Bytes,
        allowed_03: bool,
    ) -> Result<(), PrepareError> {
        let artifact = program.artifact;
        let Some(wasi) = program.wasi() else {
            let reason = "it is no component".to_owned();
            return Err(PrepareError::Failed { artifact, reason });
        };
        inspect::check_bytes(&component)
            .and_then(|()| inspect::check_version(&component, wasi, allowed_03))
            .map_err(PrepareError::Refused)?;
        let Some(runtime) = runtime else {
            return Err(PrepareError::Refused(Problem::new(Code::WasiNotAllowed)));
        };
        if runtime.find_or_load(artifact).await.is_ok() {
            return Ok(());
        }
        let failed = |reason: String| PrepareError::Failed { artifact, reason };
        let permit = self.permits.acquire().await.map_err(|error| failed(error.to_string()))?;
        let began = runtime.clock.monotonic();
        let code = self.compile(program, component).await?;
        drop(permit);
        let took_ms = runtime.clock.monotonic().saturating_sub(began).as_millis();
        tracing::info!(%artifact, took_ms, "compiled a component");
        let runtime = Arc::clone(runtime);
        tokio::task::spawn_blocking(move || keep(&runtime, artifact, &code))
            .await
            .map_err(|error| failed(error.to_string()))?
    }

    async fn compile(
        &self,
        program: Program,
        component: Bytes,
    ) -> Result<SealedFile, PrepareError> {
        let artifact = program.artifact;
        let failed = |error: std::io::Error| PrepareError::Failed {
            artifact,
            reason: format!("the compiler's files could not be made: {error}"),
        };
        let input = input(&component).map_err(failed)?;
        drop(component);
        let output = sealed::create().map_err(failed)?;
        let childs = output.try_clone().map_err(failed)?;
        let job = Job {
            name: job(program.wasi().unwrap_or_default()),
            input,
            output: childs,
            limits: self.limits.clone(),
        };
        self.children.run(job).await.map_err(|error| refused(artifact, &error))?;
        SealedFile::seal(output).map_err(failed)
    }
}

/// The child's hidden subcommand: which engine it compiles for is no input of its own.
fn job(wasi: Wasi) -> &'static str {
    match wasi {
        Wasi::V02 => "compile",
        Wasi::V03 => "compile-wasi03",
    }
}

/// The component as a file that cannot change under the compiler.
fn input(component: &[u8]) -> std::io::Result<File> {
    let mut file = sealed::create()?;
    file.write_all(component)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(SealedFile::seal(file)?.into_file())
}

/// Checks what the compiler made, writes it to disk and loads it.
fn keep(runtime: &Runtime, artifact: Digest, sealed: &SealedFile) -> Result<(), PrepareError> {
    let failed = |reason: String| PrepareError::Failed { artifact, reason };
    let component = code::map_trusted(&runtime.engine, sealed).map_err(|error| {
        // Typically: more memories or tables than an instance may have.
        let reason = plain(&format!("{error:#}"), REASON_BYTES_MAX);
        PrepareError::Refused(Problem::new(Code::CompileFailed).detail(reason))
    })?;
    let linked =
        inspect::link(&runtime.linker, &component, runtime.wasi).map_err(PrepareError::Refused)?;
    let bytes = sealed.len().map_err(|error| failed(error.to_string()))?;
    if let Some(shelf) = runtime.source.shelf() {
        shelf.put(artifact, sealed).map_err(|error| unkept(artifact, &error))?;
    }
    runtime.cache.insert(artifact, Loaded::new(linked, bytes), runtime.now());
    Ok(())
}

/// Why the compiled form could not be kept. A full disk is nobody's fault here.
fn unkept(artifact: Digest, error: &ShelfError) -> PrepareError {
    match error {
        ShelfError::Io { source, .. } if is_full(source) => {
            PrepareError::Refused(Problem::new(Code::DiskFull))
        }
        ShelfError::Io { source, .. } => {
            PrepareError::Failed { artifact, reason: format!("{error}: {source}") }
        }
        other => PrepareError::Failed { artifact, reason: other.to_string() },
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn refused(artifact: Digest, error: &child::Error) -> PrepareError {
    let problem = match error {
        child::Error::Refused(said) => {
            let said = plain(said, REASON_BYTES_MAX);
            let problem = Problem::new(Code::CompileFailed);
            if said.contains("component model async") {
                problem
                    .hint("it seems to be built for WASI 0.3; build it for WASI 0.2")
                    .detail(said)
            } else {
                problem.detail(said)
            }
        }
        child::Error::Limit(what) => {
            Problem::new(Code::CompileLimit).detail(format!("the compiler's limit of {what}"))
        }
        // Hostile components do this to compilers; the node is well.
        child::Error::Died(how) => Problem::new(Code::CompileFailed)
            .detail(format!("the compiler ended with {}", plain(how, REASON_BYTES_MAX))),
        other => {
            let source = std::error::Error::source(other).map(|source| format!(": {source}"));
            let reason = format!("{other}{}", source.unwrap_or_default());
            return PrepareError::Failed { artifact, reason };
        }
    };
    PrepareError::Refused(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn a_disk_without_room_is_told_as_one() {
        let digest = Digest([7; 32]);
        let said =
            |kind: ErrorKind| unkept(digest, &ShelfError::Io { digest, source: kind.into() });
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let PrepareError::Refused(problem) = said(kind) else { panic!("{kind}") };
            assert_eq!(problem.code, Code::DiskFull);
        }
        assert!(matches!(said(ErrorKind::PermissionDenied), PrepareError::Failed { .. }));
    }
}
