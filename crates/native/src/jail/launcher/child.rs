//! The child, from its first moment to the program that it becomes.
//!
//! Invariant: nothing here allocates, and nothing here returns.

mod network;
mod root;
mod window;

pub(super) use network::{listener, socket};

use super::super::sys;
use super::super::wire;
use super::super::words::Step;
use super::prepare::{INSIDE, Prepared};
use super::{filter, landlock};
use libc::sock_filter;
use rustix::io::Errno;
use rustix::process::{Rlimit, Signal, setrlimit};
use std::convert::Infallible;
use std::ffi::CStr;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, OwnedFd};

/// What is the same in all jails of a launcher.
pub(super) struct Shared {
    pub(super) filter: Vec<sock_filter>,
    /// The version of Landlock's interface; 0 if it is done without.
    pub(super) landlock: i32,
    /// Whether a jail may have no `/proc`.
    pub(super) no_proc: bool,
}

impl Shared {
    pub(super) fn new(landlock: i32, no_proc: bool) -> Result<Self, String> {
        Ok(Self { filter: filter::program()?, landlock, no_proc })
    }
}

/// The descriptors of the child.
pub(super) struct Ends {
    /// The control groups that it goes into.
    pub(super) groups: Vec<OwnedFd>,
    /// Something is here to be read when it may go on.
    pub(super) go: OwnedFd,
    /// Where it says how it gets on.
    pub(super) report: OwnedFd,
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// What becomes descriptor 3.
    pub(super) extra: Option<OwnedFd>,
}

/// What went wrong, and with what.
struct Stumble<'a>(Step, Errno, &'a CStr);

/// Puts the step's name on an error.
trait At<T> {
    fn at<'a>(self, step: Step) -> Result<T, Stumble<'a>>;
    fn of(self, step: Step, what: &CStr) -> Result<T, Stumble<'_>>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at<'a>(self, step: Step) -> Result<T, Stumble<'a>> {
        self.map_err(|error| Stumble(step, error, c""))
    }

    fn of(self, step: Step, what: &CStr) -> Result<T, Stumble<'_>> {
        self.map_err(|error| Stumble(step, error, what))
    }
}

/// Becomes the program of a jail, or says what kept it and ends.
pub(super) fn run(prepared: &Prepared, shared: &Shared, ends: &Ends) -> ! {
    let Err(Stumble(step, error, what)) = become_program(prepared, shared, ends);
    let errno = error.raw_os_error().to_le_bytes();
    let head = [b'E', step.number(), errno[0], errno[1], errno[2], errno[3]];
    let message = [IoSlice::new(&head), IoSlice::new(what.to_bytes())];
    // Who does not listen sees the process end.
    let _ = wire::send(ends.report.as_fd(), &message, &[]);
    sys::exit(127)
}

fn become_program<'a>(
    prepared: &'a Prepared,
    shared: &Shared,
    ends: &Ends,
) -> Result<Infallible, Stumble<'a>> {
    // Until the launcher has said who this is, and what it may use.
    if rustix::io::read(&ends.go, &mut [0; 1]) != Ok(1) {
        sys::exit(127);
    }
    // Before anything is used.
    for group in &ends.groups {
        rustix::io::write(group, b"0").at(Step::ControlGroup)?;
    }
    sys::become_user(INSIDE).at(Step::Credentials)?;
    own_groups().at(Step::OwnGroups)?;
    no_more_users();
    rustix::system::sethostname(b"function").at(Step::Hostname)?;
    root::build(prepared, shared)?;
    window::open(prepared, ends)?;
    network::build(prepared, ends)?;
    sys::drop_capabilities().at(Step::Capabilities)?;
    // After the last change of who this is, since that takes it away.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).at(Step::Death)?;
    for (resource, most) in prepared.limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).at(Step::Limits)?;
    }
    // Away from the terminal that the node may have been started at.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    sys::reset_signals();
    rustix::stdio::dup2_stdin(&ends.stdin).at(Step::Streams)?;
    rustix::stdio::dup2_stdout(&ends.stdout).at(Step::Streams)?;
    rustix::stdio::dup2_stderr(&ends.stderr).at(Step::Streams)?;
    if let Some(extra) = &ends.extra {
        // Nothing that is needed still has this number.
        sys::make_third(extra.as_fd()).at(Step::Streams)?;
    }
    enter(&prepared.directory).of(Step::Chdir, &prepared.directory)?;
    rustix::thread::set_no_new_privs(true).at(Step::Privileges)?;
    if shared.landlock > 0 {
        let top = (
            prepared.top.iter().map(|path| &**path),
            prepared.top_files.iter().map(|path| &**path),
        );
        landlock::restrict(shared.landlock, prepared.open, top).at(Step::Landlock)?;
    }
    sys::close_at_exec(if ends.extra.is_some() { 4 } else { 3 }).at(Step::Descriptors)?;
    sys::filter(&shared.filter).at(Step::Seccomp)?;
    let (arguments, environment) = (&prepared.arguments.list, &prepared.environment.list);
    // SAFETY: both lists were made with their null, and what they point to lives as long as they.
    let error = unsafe { sys::exec(&prepared.program, arguments, environment) };
    Err(error).of(Step::Exec, &prepared.program)
}

/// Goes to the directory that the program starts in, which an image may have named. Nothing that
/// the kernel keeps open for a process is followed: a descriptor of the launcher's, which `/proc`
/// shows until it is closed, would lead out of the jail.
fn enter(directory: &CStr) -> Result<(), Errno> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let plain = ResolveFlags::NO_MAGICLINKS;
    let place = openat2(CWD, directory, flags, Mode::empty(), plain)?;
    rustix::process::fchdir(place)
}

/// Sees its own control groups as the top of all.
#[expect(deprecated, reason = "its unsafe successor is for `FILES`, which is not among the flags")]
fn own_groups() -> Result<(), Errno> {
    rustix::thread::unshare(rustix::thread::UnshareFlags::NEWCGROUP)
}

/// No namespaces of users in this one: what the filter denies too. Where `/proc` is read-only, the
/// filter is all there is.
fn no_more_users() {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    if let Ok(file) = openat(CWD, c"/proc/sys/user/max_user_namespaces", flags, Mode::empty()) {
        let _ = rustix::io::write(&file, b"0");
    }
}
