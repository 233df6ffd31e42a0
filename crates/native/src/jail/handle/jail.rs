//! A jail, as the node has it.

use super::super::plan::Assignment;
use super::super::wire;
use super::super::words::{self, Version};
use super::link::{Awaited, Ticket};
use super::{JailError, local};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

/// A stock of sockets that is this small is filled up.
const LOW: usize = 2;
/// How many are made then.
const MORE: u32 = 8;

/// A jail that was started. Dropping it ends it: its processes, mounts, control groups and user id go.
pub struct Jail {
    /// What the program reads as its standard input; dropping it closes that.
    pub stdin: Option<pipe::Sender>,
    /// What it writes.
    pub stdout: Option<pipe::Receiver>,
    /// What it writes as errors.
    pub stderr: Option<pipe::Receiver>,
    /// What it writes to its descriptor 3, if its plan has that.
    pub extra: Option<pipe::Receiver>,
    /// Listeners in its network, in the plan's order, not blocking.
    pub listeners: Vec<TcpListener>,
    /// Its directory of sockets, if its plan has one.
    window: Option<OwnedFd>,
    pidfd: OwnedFd,
    meters: Meters,
    stock: Mutex<Stock>,
    ticket: Ticket,
}

/// Unconnected sockets of a jail's network.
struct Stock {
    kept: Vec<OwnedFd>,
    /// Those that were asked for and did not come yet.
    ordered: Option<Awaited<Vec<OwnedFd>>>,
}

/// How a jail ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// The exit code of its program.
    pub code: Option<i32>,
    /// Or the signal that ended it. Neither is known if its launcher ended.
    pub signal: Option<i32>,
    /// Whether the kernel ended one of its processes for want of memory.
    pub out_of_memory: bool,
    /// What it has used.
    pub usage: Usage,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("nobody knows how"),
        }
    }
}

/// What a jail has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in microseconds; 0 if the machine does not count it.
    pub cpu_us: u64,
    /// The most memory that it had, in bytes; 0 if the machine does not count it.
    pub memory_peak_bytes: u64,
}

/// Files of control groups.
pub(super) struct Meters {
    freezer: Option<(Version, OwnedFd)>,
    cpu: Option<(Version, OwnedFd)>,
    peak: Option<OwnedFd>,
}

impl Meters {
    pub(super) fn new(meters: words::Meters, mut files: impl Iterator<Item = OwnedFd>) -> Self {
        let mut next = |version: Option<Version>| {
            let version = version?;
            Some((version, files.next()?))
        };
        Self {
            freezer: next(meters.freezer),
            cpu: next(meters.cpu),
            peak: meters.peak.then(|| files.next()).flatten(),
        }
    }
}

impl Jail {
    /// Call it inside a runtime.
    pub(super) fn new(
        ticket: Ticket,
        pidfd: OwnedFd,
        streams: [OwnedFd; 3],
        meters: Meters,
        listeners: Vec<OwnedFd>,
        sockets: Vec<OwnedFd>,
    ) -> io::Result<Self> {
        let [stdin, stdout, stderr] = streams;
        Ok(Self {
            stdin: Some(pipe::Sender::from_owned_fd(stdin)?),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
            extra: None,
            listeners: listeners.into_iter().map(TcpListener::from).collect(),
            window: None,
            pidfd,
            meters,
            stock: Mutex::new(Stock { kept: sockets, ordered: None }),
            ticket,
        })
    }

    /// With what not every plan has. Call it inside a runtime.
    pub(super) fn with(
        mut self,
        extra: Option<OwnedFd>,
        window: Option<OwnedFd>,
    ) -> io::Result<Self> {
        self.extra = extra.map(pipe::Receiver::from_owned_fd).transpose()?;
        self.window = window;
        Ok(self)
    }

    /// Tries once to connect to a socket in its directory of sockets. Call it inside a runtime.
    ///
    /// # Errors
    /// There is no such directory, nothing of that name in it, or nobody listens there. A link out of
    /// the directory is never followed.
    pub fn connect_below(&self, name: &std::ffi::CStr) -> io::Result<tokio::net::UnixStream> {
        let nothing = || io::Error::other("the jail has no directory of sockets");
        super::window::connect(self.window.as_ref().ok_or_else(nothing)?, name)
    }

    /// Gives it what it did not have at its start. Gives the new listeners, in the assignment's order.
    ///
    /// # Errors
    /// [`JailError`]; the jail may have a part of it then, and should be ended.
    pub async fn assign(&self, assignment: &Assignment) -> Result<Vec<TcpListener>, JailError> {
        let file = wire::file_of(assignment).map_err(local)?;
        let fds = self.ticket.assign(file).await?.map_err(JailError::Failed)?;
        Ok(fds.into_iter().map(TcpListener::from).collect())
    }

    /// An unconnected TCP socket of its network, not blocking.
    ///
    /// # Errors
    /// [`JailError`].
    pub async fn socket(&self) -> Result<OwnedFd, JailError> {
        let kept = self.take_socket();
        if let Some(socket) = kept {
            return Ok(socket);
        }
        let mut more = self.ticket.sockets(MORE).await?.map_err(JailError::Failed)?;
        let socket = more.pop().ok_or_else(|| local("no socket came"))?;
        self.stock.lock().kept.append(&mut more);
        Ok(socket)
    }

    /// One of those that are there. When few are left, more are asked for, so that who comes later
    /// does not wait.
    fn take_socket(&self) -> Option<OwnedFd> {
        let mut stock = self.stock.lock();
        let arrived = stock.ordered.as_mut().map(oneshot::Receiver::try_recv);
        match arrived {
            Some(Ok(Ok(mut more))) => {
                stock.kept.append(&mut more);
                stock.ordered = None;
            }
            Some(Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed)) => stock.ordered = None,
            Some(Err(oneshot::error::TryRecvError::Empty)) | None => {}
        }
        let socket = stock.kept.pop()?;
        if stock.kept.len() < LOW && stock.ordered.is_none() {
            stock.ordered = Some(self.ticket.order_sockets(MORE));
        }
        Some(socket)
    }

    /// Stops everything in it where it is, until [`Jail::thaw`].
    ///
    /// # Errors
    /// What the kernel says. Where nothing can freeze, nothing happens.
    pub fn freeze(&self) -> io::Result<()> {
        self.set_frozen(true)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// As [`Jail::freeze`].
    pub fn thaw(&self) -> io::Result<()> {
        self.set_frozen(false)
    }

    fn set_frozen(&self, frozen: bool) -> io::Result<()> {
        let Some((version, file)) = &self.meters.freezer else { return Ok(()) };
        let word: &[u8] = match (version, frozen) {
            (Version::One, true) => b"FROZEN",
            (Version::One, false) => b"THAWED",
            (Version::Two, true) => b"1",
            (Version::Two, false) => b"0",
        };
        rustix::io::pwrite(file, word, 0)?;
        Ok(())
    }

    /// Asks its program to end. One that does not handle the signal does not notice: it is the first
    /// process of its world.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn terminate(&self) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.pidfd, Signal::TERM)?)
    }

    /// Ends everything in it, at once, frozen or not.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = self.thaw();
    }

    /// Waits for its end. Everything in it is gone then.
    pub async fn ended(&self) -> Ended {
        let Some(end) = self.ticket.ended().await else { return Ended::default() };
        let words::End { code, signal, out_of_memory, cpu_us, memory_peak_bytes } = end;
        Ended { code, signal, out_of_memory, usage: Usage { cpu_us, memory_peak_bytes } }
    }

    /// Whether its program has ended. The kernel is asked too, who knows it first.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        self.ticket.has_ended() || !matches!(poll(&mut ended, Some(&Timespec::default())), Ok(0))
    }

    /// Whether it ended because its launcher did.
    #[must_use]
    pub fn is_orphaned(&self) -> bool {
        self.ticket.is_orphaned()
    }

    /// What it has used by now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        // Its control groups are gone with it.
        if let Some(words::End { cpu_us, memory_peak_bytes, .. }) = self.ticket.end() {
            return Usage { cpu_us, memory_peak_bytes };
        }
        let cpu_us = self.meters.cpu.as_ref().map_or(0, |(version, file)| {
            let text = read(file);
            match version {
                Version::One => text.trim().parse().unwrap_or(0) / 1000,
                Version::Two => text
                    .lines()
                    .find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
                    .unwrap_or(0),
            }
        });
        let peak = self.meters.peak.as_ref().map(read).unwrap_or_default();
        Usage { cpu_us, memory_peak_bytes: peak.trim().parse().unwrap_or(0) }
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read(file: &OwnedFd) -> String {
    let mut bytes = [0; 512];
    let read = rustix::io::pread(file, &mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned()
}
