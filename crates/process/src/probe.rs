//! Does the confinement hold? A child that tries to get out and says how it went.

use crate::child::{Ending, run_child};
use crate::confine::Layers;
use crate::parent::ChildProcesses;
use ports::child::{ChildLimits, Children as _, Error, Job};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};

/// The hidden subcommand's name.
pub const PROBE: &str = "probe";

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

fn read(text: &str) -> Option<Report> {
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
        read(&text).ok_or_else(|| Error::Died("a report that makes no sense".to_owned()))
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
        assert_eq!(read(&write(&report.layers, &report.tries)).as_ref(), Some(&report));
        assert!(!report.holds());
        for text in ["x", "try 2 fly", "layer 1 roof", "try 1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
