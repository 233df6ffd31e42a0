//! The check's own program: looks around in its jail, and says what it found.

use rustix::io::Errno;
use rustix::thread::UnshareFlags;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::thread;

/// Names of layers that can be done without.
pub(super) const LANDLOCK: &str = "Landlock";
pub(super) const PROC: &str = "/proc of its own";
/// The last line of a report.
pub(super) const END: &str = "end\n";
/// A file at the top, which no rule of Landlock lets anybody read.
pub(super) const CANARY: &str = "/canary";
/// More threads than a jail may have.
const THREADS: usize = 4096;

/// The whole of the hidden subcommand `__jail-check`, which runs in a jail. Returns the exit code.
pub fn run_check(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let texts: Vec<String> =
        arguments.into_iter().filter_map(|text| text.into_string().ok()).collect();
    let [name, port, limited] = texts.as_slice() else { return 1 };
    let Ok(port) = port.parse() else { return 1 };
    let report: String = layers(name, port)
        .into_iter()
        .map(|(name, holds)| format!("{} {name}\n", u8::from(holds)))
        .collect();
    let mut stdout = io::stdout();
    let said = stdout.write_all((report + END).as_bytes()).and_then(|()| stdout.flush());
    if limited == "1" {
        use_up_memory();
    }
    u8::from(said.is_err())
}

fn layers(name: &str, port: u16) -> [(&'static str, bool); 11] {
    [
        ("namespace of users", users()),
        ("namespace of processes", std::process::id() == 1),
        ("no capabilities", no_capabilities()),
        ("no_new_privs", rustix::thread::no_new_privs().unwrap_or(false)),
        ("seccomp", seccomp()),
        ("network of its own", network(port)),
        ("no names of others", no_abstract_sockets(name)),
        ("read-only root of its own", root()),
        (LANDLOCK, File::open(CANARY).is_err_and(|error| is(&error, Errno::ACCESS))),
        (
            PROC,
            fs::read_to_string("/proc/self/status").is_ok_and(|text| text.contains("Pid:\t1\n")),
        ),
        // The last, since no thread can be started after it.
        ("process limit", processes()),
    ]
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

fn users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map");
    // One id, and that is not what it is outside. Without `/proc`, its own number has to do.
    let mapped = map.is_ok_and(|map| {
        let words: Vec<&str> = map.split_whitespace().collect();
        matches!(words.as_slice(), ["1000", outside, "1"] if *outside != "0")
    });
    let proc = fs::metadata("/proc/self").is_ok();
    rustix::process::getuid().as_raw() == 1000 && (mapped || !proc)
}

fn no_capabilities() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.is_empty() && sets.permitted.is_empty())
}

#[expect(deprecated, reason = "its unsafe successor is for `FILES`, which is not among the flags")]
fn seccomp() -> bool {
    let denied = |flags| rustix::thread::unshare(flags) == Err(Errno::PERM);
    // Without a filter, this one would be allowed to anybody.
    denied(UnshareFlags::FS) && denied(UnshareFlags::NEWUSER)
}

fn network(port: u16) -> bool {
    let out = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect((Ipv4Addr::new(192, 0, 2, 1), 53)));
    let machine = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    out.is_err_and(|error| is(&error, Errno::NETUNREACH))
        && machine.is_err_and(|error| is(&error, Errno::CONNREFUSED))
}

fn no_abstract_sockets(name: &str) -> bool {
    SocketAddr::from_abstract_name(name)
        .and_then(|address| UnixStream::connect_addr(&address))
        .is_err()
}

fn root() -> bool {
    let unseen = ["/root", "/home", "/sys", "/run", "/etc/shadow"];
    unseen.iter().all(|path| fs::metadata(path).is_err())
        && File::create("/etc/x").is_err()
        && File::create("/x").is_err()
        && fs::write("/tmp/x", "x").is_ok()
}

/// Starts threads until it may not.
fn processes() -> bool {
    let start = || thread::Builder::new().stack_size(64 << 10).spawn(thread::park);
    (0..THREADS).any(|_| start().is_err())
}

/// Takes memory until it is ended for it.
fn use_up_memory() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for _ in 0..1024 {
        taken.push(vec![1; 1 << 20]);
    }
    std::hint::black_box(&taken);
}
