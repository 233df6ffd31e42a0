//! The parent's side: starts the child with nothing, watches it, and reads how it ended.
//!
//! The kernel kills a child when the thread that started it ends (`PR_SET_PDEATHSIG`), so jobs
//! must be polled on threads that live on, such as a runtime's workers.
//!
//! Invariant: the child inherits no variable, no directory and no descriptor but its three.

use crate::child::code;
use crate::orders::{Orders, Strictness};
use ports::Future;
use ports::child::{Children, Error, Job};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, Command};

/// Longest message of a child that is read, in bytes.
const MESSAGE_BYTES_MAX: u64 = 4 << 10;
/// How Rust's allocator says that it got no memory, before it aborts.
const NO_MEMORY: &str = "memory allocation of ";

/// Runs jobs in children that are this executable.
#[derive(Debug, Clone)]
pub struct ChildProcesses {
    pub(crate) executable: PathBuf,
    pub(crate) strictness: Strictness,
}

impl ChildProcesses {
    /// Children of `executable`, which is the running one (`std::env::current_exe`). Its hidden
    /// subcommand `__NAME` must call [`crate::run_child`].
    #[must_use]
    pub fn new(executable: PathBuf) -> Self {
        let strictness =
            if cfg!(target_os = "linux") { Strictness::Required } else { Strictness::BestEffort };
        Self { executable, strictness }
    }

    /// Lets children work where the kernel has no seccomp. Without it, a component that breaks
    /// the compiler is held by limits and Landlock only.
    #[must_use]
    pub fn danger_without_seccomp(mut self) -> Self {
        self.strictness = Strictness::BestEffort;
        self
    }

    #[expect(clippy::disallowed_methods, reason = "this crate is the one that starts programs")]
    fn command(&self, job: Job) -> Command {
        let orders =
            Orders { limits: job.limits, strictness: self.strictness, parent: std::process::id() };
        let mut command = std::process::Command::new(&self.executable);
        command
            .arg(format!("__{}", job.name))
            .args(orders.to_arguments())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(job.input))
            .stdout(Stdio::from(job.output))
            .stderr(Stdio::piped());
        let mut command = Command::from(command);
        command.process_group(0).kill_on_drop(true);
        command
    }

    async fn run_job(&self, job: Job) -> Result<(), Error> {
        let wall = Duration::from_millis(job.limits.wall_ms);
        let mut child = self.command(job).spawn()?;
        let stderr = child.stderr.take();
        let ended = tokio::time::timeout(wall, async {
            let message = message(stderr).await;
            child.wait().await.map(|status| (status, message))
        });
        match ended.await {
            Ok(ended) => {
                let (status, message) = ended?;
                verdict(status, message)
            }
            Err(_) => {
                child.kill().await?;
                Err(Error::Limit("wall time"))
            }
        }
    }
}

impl Children for ChildProcesses {
    fn run(&self, job: Job) -> Future<'_, Result<(), Error>> {
        Box::pin(self.run_job(job))
    }
}

/// What the child says, cut and made harmless for terminals and logs.
pub(crate) async fn message(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut bytes = Vec::new();
    // A message that cannot be read is an empty one; the exit code still tells.
    let _ = (&mut stderr).take(MESSAGE_BYTES_MAX).read_to_end(&mut bytes).await;
    // A child that talks on must not block on a full pipe.
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    plain(&String::from_utf8_lossy(&bytes))
}

/// `text` without control characters, in one line.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

fn verdict(status: ExitStatus, message: String) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    match code {
        Some(code::REFUSED) => return Err(Error::Refused(message)),
        Some(code::MEMORY) => return Err(Error::Limit("memory")),
        Some(code::OUTPUT) => return Err(Error::Limit("output size")),
        Some(code::UNCONFINED) => return Err(std::io::Error::other(message).into()),
        _ => {}
    }
    Err(match status.signal().and_then(rustix::process::Signal::from_named_raw) {
        Some(rustix::process::Signal::XCPU) => Error::Limit("CPU time"),
        Some(rustix::process::Signal::XFSZ) => Error::Limit("output size"),
        Some(rustix::process::Signal::ABORT) if message.contains(NO_MEMORY) => {
            Error::Limit("memory")
        }
        // The hard limit on CPU time, for a child that lives on after the soft one's signal, or
        // the kernel that found no memory for it. Nobody else kills a child of ours.
        Some(rustix::process::Signal::KILL) => Error::Limit("CPU time or the machine's memory"),
        _ => Error::Died(describe(status, &message)),
    })
}

fn describe(status: ExitStatus, message: &str) -> String {
    if message.is_empty() { status.to_string() } else { format!("{status}: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_signals_become_verdicts() {
        let exit = |code: u8| ExitStatus::from_raw(i32::from(code) << 8);
        let signal = ExitStatus::from_raw;
        let table = [
            (exit(201), "bad", "bad"),
            (exit(202), "", "the child passed its limit of memory"),
            (exit(203), "", "the child passed its limit of output size"),
            (signal(24), "", "the child passed its limit of CPU time"),
            (signal(25), "", "the child passed its limit of output size"),
            (
                signal(6),
                "memory allocation of 8 bytes failed",
                "the child passed its limit of memory",
            ),
            (signal(6), "assertion", "the child ended with signal: 6 (SIGABRT): assertion"),
            (signal(11), "", "the child ended with signal: 11 (SIGSEGV)"),
            (exit(101), "panicked", "the child ended with exit status: 101: panicked"),
        ];
        assert!(verdict(exit(0), String::new()).is_ok());
        for (status, message, expect) in table {
            let error = verdict(status, message.to_owned()).expect_err("failed");
            assert_eq!(error.to_string(), expect);
        }
        assert!(matches!(verdict(exit(204), "why".to_owned()), Err(Error::Io(_))));
    }

    #[test]
    fn messages_hold_no_control_characters() {
        assert_eq!(plain("\x1b[31mred\nnext\u{9b}\n"), "[31mred next");
    }
}
