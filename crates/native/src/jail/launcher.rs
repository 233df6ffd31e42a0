//! The launcher: a child of the node that makes jails, and ends with it.
//!
//! It is two processes. The second is the first of a world of its own: all jails are in that world,
//! so the kernel ends them all with it, whatever becomes of it. The first waits, and takes the control
//! groups away that the second could not.
//!
//! Invariant: it reads nothing but what the node sends, and a jail can send it nothing.

mod child;
mod filter;
mod groups;
mod inside;
mod landlock;
mod make;
mod prepare;
mod serve;
mod uids;

use super::settings::Settings;
use super::sys;
use super::words::Facts;
use groups::Groups;
use rustix::fd::OwnedFd;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

/// Exit code of a launcher that could not do its work; standard error says why.
const FAILED: u8 = 201;

/// The whole of the hidden subcommand `__jails`. Returns the exit code.
///
/// Call it first thing in `main`, before any thread is started.
pub fn run_launcher(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match launch(arguments) {
        Ok(()) => 0,
        Err(reason) => {
            // If the node no longer listens, nobody does.
            let _ = io::stderr().write_all(reason.as_bytes());
            FAILED
        }
    }
}

fn launch(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let texts: Vec<String> =
        arguments.into_iter().filter_map(|text| text.into_string().ok()).collect();
    let [_, _, settings] = texts.as_slice() else {
        return Err("this is a hidden subcommand: it was called without orders".to_owned());
    };
    let settings: Settings = serde_json::from_str(settings).map_err(|error| error.to_string())?;
    let said = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let socket =
        io::stdin().as_fd().try_clone_to_owned().map_err(|error| said("the socket", &error))?;
    let groups = Groups::find(&settings.tag);
    let own_uids = leave().map_err(|error| said("namespaces of the launcher's own", &error))?;
    let pipe = || {
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|error| said("a pipe", &error))
    };
    let (lifeline, held) = pipe()?;
    let (second_lives, second_holds) = pipe()?;
    // SAFETY: nothing has started a thread in this process: it is the first thing in `main`.
    match unsafe { sys::fork(0, None) }.map_err(|error| said("a process", &error))? {
        sys::Fork::Parent(pidfd) => {
            // Its end is the first's when this one goes.
            drop((lifeline, socket, second_holds));
            // When its descriptors are gone it is ending, and the kernel ends its world. What is frozen
            // there cannot end.
            while let Err(rustix::io::Errno::INTR) = rustix::io::read(&second_lives, &mut [0; 1]) {}
            groups.thaw_all();
            wait(&pidfd);
            groups.remove();
            drop(held);
            Ok(())
        }
        sys::Fork::Child => {
            drop((held, second_lives));
            let served = prepare(own_uids)
                .map_err(|error| said("the launcher's mounts", &error))
                .and_then(|()| {
                    let facts = facts(own_uids, &groups);
                    serve::Server::new(settings, groups, facts, socket, lifeline)?.run()
                });
            if let Err(reason) = &served {
                let _ = io::stderr().write_all(reason.as_bytes());
            }
            sys::exit(i32::from(served.is_err()) * i32::from(FAILED))
        }
    }
}

/// Goes into namespaces of its own. Says whether it did so as root, who can give each jail a user id.
#[expect(deprecated, reason = "its unsafe successor is for `FILES`, which is not among the flags")]
fn leave() -> io::Result<bool> {
    let own = UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    let user = rustix::process::geteuid();
    if user.is_root() {
        // Never in a namespace of users of its own: each jail would be the machine's root.
        sys::leave_groups()?;
        rustix::thread::unshare(own)?;
        return Ok(true);
    }
    let group = rustix::process::getegid();
    rustix::thread::unshare(own | UnshareFlags::NEWUSER)?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    let (user, group) = (user.as_raw(), group.as_raw());
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    Ok(false)
}

/// Makes the second process ready: what is mounted here shows nowhere else.
fn prepare(_own_uids: bool) -> io::Result<()> {
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", slave)?;
    Ok(())
}

fn facts(own_uids: bool, groups: &Groups) -> Facts {
    let [memory, processes, cpu, freezer] = groups.versions();
    Facts { own_uids, memory, processes, cpu, freezer, landlock: sys::landlock_version() }
}

/// Waits for the end of a child.
fn wait(pidfd: &OwnedFd) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    while let Err(rustix::io::Errno::INTR) =
        waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
    {}
}
