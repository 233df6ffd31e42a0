//! Work that is done in a limited child process: a job with an end, or a companion that stays.

use crate::Future;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

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
    Io(#[from] io::Error),
}

/// Runs jobs.
pub trait Children: Send + Sync {
    /// Runs one job in a child of its own and waits for its end. Dropping the future kills it.
    fn run(&self, job: Job) -> Future<'_, Result<(), Error>>;
}

/// A child that stays, and talks over a socket.
#[derive(Debug)]
pub struct Companion {
    /// The hidden subcommand, such as `guests`.
    pub name: &'static str,
    /// What it is told on its command line; nothing secret, since others can see that.
    pub settings: String,
    /// The child's end of a socket, which it finds as its standard input.
    pub socket: OwnedFd,
}

/// A companion that was started. Dropping it kills the child.
pub trait Living: Send {
    /// Waits for its end, and says how that came. It may be given up and called again until it has
    /// said so.
    fn ended(&mut self) -> Future<'_, String>;
}

/// Starts companions.
pub trait Companions: Send + Sync {
    /// Starts one. Call it on a thread that lives as long as the companion should: the kernel ends
    /// a child with the thread that started it.
    ///
    /// # Errors
    /// What the kernel says.
    fn start(&self, companion: Companion) -> io::Result<Box<dyn Living>>;
}
