//! Do jails hold on this machine? One is made, and what runs in it looks for a way out.

mod inside;
mod program;

pub use inside::run_check;

use super::handle::{JailError, Launcher};
use super::plan::Ceilings;
use super::words::Facts;
use super::{Danger, problem};
use model::{Code, Problem};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// The hidden subcommand's name.
const NAME: &str = "jail-check";
/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest report, in bytes.
const REPORT_BYTES_MAX: u64 = 64 << 10;
/// What the check's jail may use: enough for this executable, and soon used up.
const CEILINGS: Ceilings = Ceilings {
    memory_bytes: 192 << 20,
    processes: 12,
    cpu_milli: 1000,
    scratch_bytes: 1 << 20,
    scratch_files: 64,
    descriptors: 64,
};

/// What a check found, from inside and outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the launcher found.
    pub facts: Facts,
    /// Each layer by its name for people, and whether it holds.
    pub layers: Vec<(String, bool)>,
    /// What is done without, as an operator has accepted.
    pub danger: Danger,
}

impl Report {
    /// The layers that do not hold.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().filter(|(_, holds)| !holds).map(|(name, _)| name.as_str())
    }
}

/// What is outside for a check to look for: a file, and two listeners.
struct Canaries {
    tcp: TcpListener,
    _unix: UnixListener,
    name: String,
}

impl Canaries {
    fn new() -> std::io::Result<Self> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let name = format!("casemate-check-{}-{}", std::process::id(), tcp.local_addr()?.port());
        let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        Ok(Self { tcp, _unix: unix, name })
    }
}

/// Makes a jail that runs the hidden subcommand `__jail-check` of `executable`, which must call
/// [`run_check`], and says whether native functions may run here.
///
/// # Errors
/// `E1301` to `E1306`, with the flag that accepts it where one does.
pub async fn check(
    launcher: &Launcher,
    danger: Danger,
    executable: &Path,
) -> Result<Report, Problem> {
    let facts = launcher.facts().await.map_err(|error| problem::of(&error))?;
    let local = |error: std::io::Error| problem::of(&JailError::Launcher(error.to_string()));
    let canaries = Canaries::new().map_err(local)?;
    let port = canaries.tcp.local_addr().map_err(local)?.port();
    let limited = facts.memory.is_some();
    let arguments = [canaries.name.clone(), port.to_string(), u8::from(limited).to_string()];
    let plan = program::plan(executable, NAME, &arguments, CEILINGS).map_err(local)?;
    let mut jail = launcher.jail(plan).await.map_err(|error| problem::of(&error))?;
    let mut said = String::new();
    let reading = async {
        if let Some(stdout) = jail.stdout.take() {
            // What is not text is no report.
            let _ = stdout.take(REPORT_BYTES_MAX).read_to_string(&mut said).await;
        }
        jail.ended().await
    };
    let ended = tokio::time::timeout(PATIENCE, reading)
        .await
        .map_err(|_| Problem::new(Code::JailCheck).detail("it did not end in time"))?;
    let mut layers = read(&said)
        .ok_or_else(|| Problem::new(Code::JailCheck).detail(format!("it ended with {ended:?}")))?;
    if limited {
        layers.push(("memory limit".to_owned(), ended.out_of_memory));
    }
    let report = Report { facts, layers, danger };
    let excused = |name: &str| {
        (danger.no_landlock && name == inside::LANDLOCK && facts.landlock == 0)
            || (danger.no_proc && name == inside::PROC)
    };
    let missing: Vec<&str> = report.missing().filter(|name| !excused(name)).collect();
    if missing.is_empty() {
        return Ok(report);
    }
    let detail = format!("in a jail these do not hold: {}", missing.join(", "));
    Err(Problem::new(Code::JailCheck).detail(detail))
}

/// Reads a report: a line per layer, and the word that nothing is missing of it.
fn read(said: &str) -> Option<Vec<(String, bool)>> {
    let body = said.strip_suffix(inside::END)?;
    let line = |line: &str| {
        let (value, name) = line.split_once(' ')?;
        Some((name.to_owned(), matches!(value, "1")))
    };
    body.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_cut_off_is_none() {
        let all = format!("1 seccomp\n0 network\n{}", inside::END);
        let read_all = read(&all).expect("a report");
        assert_eq!(read_all, [("seccomp".to_owned(), true), ("network".to_owned(), false)]);
        for length in 0..all.len() {
            assert_eq!(read(&all[..length]), None, "{length}");
        }
        assert_eq!(read(&format!("x\n{}", inside::END)), None);
    }
}
