//! Work that is done in a limited child process.

use crate::Future;
use std::fs::File;

/// What a child may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildLimits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// CPU time, in seconds.
    pub cpu_s: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// Size of what it writes, in bytes.
    pub output_bytes: u64,
}

/// One job for a child: read `input`, write `output`, say nothing but an error.
#[derive(Debug)]
pub struct Job {
    /// The hidden subcommand, such as `compile`.
    pub name: &'static str,
    /// What the child reads as its standard input.
    pub input: File,
    /// What the child writes as its standard output.
    pub output: File,
    /// What it may use.
    pub limits: ChildLimits,
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The child said why: its standard error, cut to 4 KiB, control characters replaced.
    #[error("{0}")]
    Refused(String),
    /// The child hit a limit.
    #[error("the child passed its limit of {0}")]
    Limit(&'static str),
    /// The child died in a way that nobody foresaw.
    #[error("the child ended with {0}")]
    Died(String),
    /// The child could not be started or watched.
    #[error("a child could not be run")]
    Io(#[from] std::io::Error),
}

/// Runs jobs.
pub trait Children: Send + Sync {
    /// Runs one job in a child of its own and waits for its end. Dropping the future kills it.
    fn run(&self, job: Job) -> Future<'_, Result<(), Error>>;
}
