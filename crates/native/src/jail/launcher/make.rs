//! Making one jail: what the launcher does around its child.

use super::super::plan::Plan;
use super::super::sys::{self, Fork};
use super::super::words::{Failure, Meters, Step};
use super::child::{self, Ends, Shared};
use super::groups::{Group, Groups};
use super::prepare::{INSIDE, failed, prepare};
use super::serve::Live;
use rustix::fs::{Gid, Uid};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

/// A jail that was started, and what the node gets of it.
pub(super) struct Made {
    pub(super) live: Live,
    pub(super) meters: Meters,
    pub(super) fds: Vec<OwnedFd>,
}

/// Who a jail is outside.
#[derive(Clone, Copy)]
pub(super) struct Outer {
    pub(super) user: u32,
    pub(super) group: u32,
    /// Whether that is the jail's alone.
    pub(super) own: bool,
}

/// Starts a jail.
pub(super) fn make(
    plan: &Plan,
    id: u64,
    outer: Outer,
    groups: &Groups,
    shared: &Shared,
) -> Result<Made, Failure> {
    let prepared = prepare(plan)?;
    let group = Group::make(groups, &format!("jail-{id}"), &plan.ceilings)
        .map_err(|error| failed(Step::ControlGroup, Path::new(""), &error))?;
    let removed = |failure| {
        let _ = group.remove();
        failure
    };
    let doors = group.doors();
    let doors =
        doors.map_err(|error| removed(failed(Step::ControlGroup, Path::new(""), &error)))?;
    let ((go, hold), own) = pipes(outer, doors.join, plan.extra).map_err(removed)?;
    // SAFETY: the launcher never starts a thread.
    let forked = unsafe { sys::fork(NAMESPACES, doors.start.as_ref().map(AsFd::as_fd)) };
    let pidfd = match forked {
        Ok(Fork::Child) => child::run(&prepared, shared, &go),
        Ok(Fork::Parent(pidfd)) => pidfd,
        Err(error) => return Err(removed(failed(Step::Namespaces, Path::new(""), &error.into()))),
    };
    drop(go);
    let started = introduce(&pidfd, outer).and_then(|()| {
        let gone = rustix::io::write(&hold, b"g");
        gone.map(|_| ()).map_err(|error| failed(Step::Namespaces, Path::new(""), &error.into()))
    });
    if let Err(failure) = started {
        // It waits still.
        end(&pidfd);
        return Err(removed(failure));
    }
    let (meters, files) = group.meters();
    let copy = pidfd.try_clone().map_err(|error| failed(Step::Pipe, Path::new(""), &error));
    let copy = copy.inspect_err(|_| {
        end(&pidfd);
        let _ = group.remove();
    })?;
    let fds = [copy].into_iter().chain(own).chain(files).collect();
    let places = plan.places.clone();
    let uid = outer.own.then_some(outer.user);
    let live = Live { pidfd, group, uid, places, ceilings: plan.ceilings };
    Ok(Made { live, meters, fds })
}

fn end(pidfd: &OwnedFd) {
    let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
    super::wait(pidfd);
}

/// Where descriptors of a child are that must not be in the way of those that its program gets.
const ABOVE: i32 = 10;

type Pipes = ((Ends, OwnedFd), Vec<OwnedFd>);

/// The child's ends with what it waits for, and the node's: the report, input, output, errors, and with
/// `extra` what is written to descriptor 3.
fn pipes(outer: Outer, groups: Vec<OwnedFd>, extra: bool) -> Result<Pipes, Failure> {
    let make = move || -> io::Result<Pipes> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC);
        let (go, hold) = pipe()?;
        let (stdin, input) = pipe()?;
        let (output, stdout) = pipe()?;
        let (errors, stderr) = pipe()?;
        // So that a process can open `/dev/stdout` and its like, which are these pipes.
        for stream in [&stdin, &stdout, &stderr] {
            let owner = (Some(Uid::from_raw(outer.user)), Some(Gid::from_raw(outer.group)));
            rustix::fs::fchown(stream, owner.0, owner.1)?;
        }
        let (told, report) = super::super::wire::pair()?;
        let report = rustix::io::fcntl_dupfd_cloexec(&report, ABOVE)?;
        let mut own = vec![told, input, output, errors];
        let mut third = None;
        if extra {
            let (read, write) = pipe()?;
            third = Some(rustix::io::fcntl_dupfd_cloexec(&write, ABOVE)?);
            own.push(read);
        }
        Ok(((Ends { groups, go, report, stdin, stdout, stderr, extra: third }, hold), own))
    };
    make().map_err(|error| failed(Step::Pipe, Path::new(""), &error))
}

/// Says who the child is.
fn introduce(pidfd: &OwnedFd, outer: Outer) -> Result<(), Failure> {
    let map = || -> io::Result<()> {
        // What the machine calls it: the launcher counts processes from 1 again.
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
        let number = info.lines().find_map(|line| line.strip_prefix("Pid:"));
        let number = number.map(str::trim).unwrap_or_default();
        fs::write(format!("/proc/{number}/setgroups"), "deny")?;
        fs::write(format!("/proc/{number}/uid_map"), format!("{INSIDE} {} 1", outer.user))?;
        fs::write(format!("/proc/{number}/gid_map"), format!("{INSIDE} {} 1", outer.group))
    };
    map().map_err(|error| failed(Step::Mapping, Path::new(""), &error))
}
