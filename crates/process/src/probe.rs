//! Does the confinement hold? A child that tries to get out and says how it went.

use crate::child::{Ending, run_child};
use crate::companion::run_companion;
use crate::confine::Layers;
use crate::parent::ChildProcesses;
use ports::child::{ChildLimits, Children as _, Companion, Companions as _, Error, Job};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// The hidden subcommand's name.
pub const PROBE: &str = "probe";
/// That of the probe of a process that runs guests.
pub const GUEST_PROBE: &str = "probe-guests";
/// How long a probe may take.
const PROBE_WALL: Duration = Duration::from_secs(10);

/// One try to get out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// What was tried.
    pub what: String,
    /// Whether it was refused, as it should be.
    pub refused: bool,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The layers that the child put on.
    pub layers: Layers,
    /// What it tried.
    pub tries: Vec<Try>,
}

impl Report {
    /// Whether the child is held by at least seccomp and refused everything.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.layers.seccomp && !self.tries.is_empty() && self.tries.iter().all(|one| one.refused)
    }
}

/// The whole of the hidden subcommand `__probe`; see [`run_child`].
pub fn run_probe(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    run_child(arguments, |layers| {
        let text = write(layers, &tries());
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|error| Ending::Refused(error.to_string()))
    })
}

/// The whole of the hidden subcommand `__probe-guests`: the same tries in a process that is confined
/// as one that runs guests, and the report over its socket.
pub fn run_guest_probe(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    run_companion(
        arguments,
        |_| Ok(()),
        |(), socket, layers| {
            let text = write(layers, &tries());
            UnixStream::from(socket).write_all(text.as_bytes())
        },
    )
}

/// Tries everything that a hostile compiler input might, in the confined process.
fn tries() -> Vec<Try> {
    let elsewhere = std::env::temp_dir().join("casemate-probe");
    let table = [
        ("read a file", File::open("/etc/passwd").is_err()),
        ("list a directory", std::fs::read_dir("/").is_err()),
        ("write a file", File::create(elsewhere).is_err()),
        ("look into another process", File::open("/proc/1/environ").is_err()),
        ("open a UDP socket", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_err()),
        ("connect over TCP", TcpStream::connect((Ipv4Addr::LOCALHOST, 80)).is_err()),
        ("open a local socket", UnixDatagram::unbound().is_err()),
        ("make a pair of sockets", UnixStream::pair().is_err()),
        ("start a program", start("/bin/true")),
        ("signal another process", signal(rustix::process::Pid::INIT)),
        ("raise its limits", raise_limits()),
        ("see a variable", std::env::vars_os().next().is_none()),
    ];
    table.into_iter().map(|(what, refused)| Try { what: what.to_owned(), refused }).collect()
}

#[expect(clippy::disallowed_methods, reason = "the probe must fail to start a program")]
fn start(program: &str) -> bool {
    std::process::Command::new(program).spawn().is_err()
}

fn signal(other: rustix::process::Pid) -> bool {
    rustix::process::test_kill_process(other).is_err()
}

fn raise_limits() -> bool {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::As, Rlimit { current: None, maximum: None }).is_err()
}

fn write(layers: &Layers, tries: &[Try]) -> String {
    let layers = [
        ("limits", layers.limits),
        ("privileges", layers.privileges),
        ("namespaces", layers.namespaces),
        ("landlock", layers.landlock),
        ("seccomp", layers.seccomp),
    ];
    let layers = layers.map(|(name, holds)| format!("layer {} {name}\n", u8::from(holds)));
    let tries = tries.iter().map(|one| format!("try {} {}\n", u8::from(one.refused), one.what));
    layers.into_iter().chain(tries).collect()
}

fn read_report(text: &str) -> Option<Report> {
    let mut report = Report { layers: Layers::default(), tries: Vec::new() };
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ')?;
        let (value, name) = rest.split_once(' ')?;
        let value = match value {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        match (kind, name) {
            ("layer", "limits") => report.layers.limits = value,
            ("layer", "privileges") => report.layers.privileges = value,
            ("layer", "namespaces") => report.layers.namespaces = value,
            ("layer", "landlock") => report.layers.landlock = value,
            ("layer", "seccomp") => report.layers.seccomp = value,
            ("try", what) => report.tries.push(Try { what: what.to_owned(), refused: value }),
            _ => return None,
        }
    }
    Some(report)
}

impl ChildProcesses {
    /// Starts a child that tries to get out.
    ///
    /// `scratch` is an empty file for its report.
    ///
    /// # Errors
    /// [`Error`], if the child could not be started or confined, or its report makes no sense.
    pub async fn probe(&self, scratch: File) -> Result<Report, Error> {
        let limits =
            ChildLimits { memory_bytes: 1 << 30, cpu_s: 5, wall_ms: 10_000, output_bytes: 1 << 20 };
        let output = scratch.try_clone()?;
        let input = File::open("/dev/null")?;
        self.run(Job { name: PROBE, input, output, limits }).await?;
        let mut scratch = scratch;
        scratch.rewind()?;
        let mut text = String::new();
        scratch.take(1 << 20).read_to_string(&mut text)?;
        read_report(&text).ok_or_else(|| Error::Died("a report that makes no sense".to_owned()))
    }
}

impl ChildProcesses {
    /// Starts a child that is confined as those that run guests are, and tries to get out.
    ///
    /// # Errors
    /// [`Error`], if the child could not be started or confined, or its report makes no sense.
    pub async fn probe_guests(&self) -> Result<Report, Error> {
        let (own, childs) = tokio::net::UnixStream::pair()?;
        let childs = childs.into_std()?;
        // The child's standard input is used as a file there.
        childs.set_nonblocking(false)?;
        let settings = String::new();
        let companion = Companion { name: GUEST_PROBE, settings, socket: childs.into() };
        let mut child = self.start(companion)?;
        let mut text = String::new();
        let read = async {
            let mut own = own.take(1 << 20);
            own.read_to_string(&mut text).await.map_err(Error::from)
        };
        match tokio::time::timeout(PROBE_WALL, read).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(Error::Limit("wall time")),
        }
        if let Some(report) = read_report(&text) {
            return Ok(report);
        }
        let ended = tokio::time::timeout(PROBE_WALL, child.ended()).await;
        Err(Error::Died(ended.unwrap_or_else(|_| "no report".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_being_written_and_read() {
        let report = Report {
            layers: Layers { limits: true, privileges: true, seccomp: true, ..Layers::default() },
            tries: vec![
                Try { what: "read a file".to_owned(), refused: true },
                Try { what: "fly".to_owned(), refused: false },
            ],
        };
        assert_eq!(read_report(&write(&report.layers, &report.tries)).as_ref(), Some(&report));
        assert!(!report.holds());
        for text in ["x", "try 2 fly", "layer 1 roof", "try 1"] {
            assert_eq!(read_report(text), None, "{text}");
        }
    }
}
