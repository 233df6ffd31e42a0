//! What is done to a jail that runs: more to see, more to listen on, other limits.
//!
//! The launcher goes into the jail's namespaces and comes back. It resolves paths there that the plan
//! made, in a root that nothing in the jail can write to.

use super::super::plan::{Assignment, Ceilings};
use super::super::sys;
use super::super::words::{Failure, Step};
use super::child;
use super::prepare::{Tmpfs, hosts, text, tree};
use super::serve::Live;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsPickFlags, fsconfig_reconfigure, fsconfig_set_string, fspick};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// The launcher's own namespaces, to come back to.
pub(super) struct Outside {
    mounts: OwnedFd,
    network: OwnedFd,
}

impl Outside {
    pub(super) fn new() -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/proc/self/ns/{name}")).map(OwnedFd::from);
        Ok(Self { mounts: open("mnt")?, network: open("net")? })
    }

    /// Does something in a jail's network.
    pub(super) fn in_network<T>(
        &self,
        pidfd: BorrowedFd<'_>,
        step: Step,
        work: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Failure> {
        sys::enter(pidfd, libc::CLONE_NEWNET).map_err(at(Step::Enter))?;
        let done = work();
        self.back(&self.network, libc::CLONE_NEWNET);
        done.map_err(at(step))
    }

    /// Does something among a jail's mounts.
    fn among_mounts<T>(
        &self,
        pidfd: BorrowedFd<'_>,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        sys::enter(pidfd, libc::CLONE_NEWNS).map_err(at(Step::Enter))?;
        let done = work();
        self.back(&self.mounts, libc::CLONE_NEWNS);
        done
    }

    /// Comes back. A launcher that cannot is lost, and its jails with it.
    fn back(&self, own: &OwnedFd, kind: i32) {
        if sys::enter(own.as_fd(), kind).is_err() {
            sys::exit(1);
        }
    }

    /// Gives a jail what it is assigned, and gives its new listeners.
    pub(super) fn assign(
        &self,
        live: &mut Live,
        assignment: &Assignment,
    ) -> Result<Vec<OwnedFd>, Failure> {
        let mut trees: Vec<(OwnedFd, CString)> = Vec::new();
        for bind in &assignment.binds {
            if !live.places.contains(&bind.target) {
                let what = bind.target.display().to_string();
                return Err(Failure { step: Step::Mount, errno: 0, what });
            }
            let attributes = sys::READ_ONLY | sys::NO_SUID | sys::NO_DEVICES;
            trees.push((tree(&bind.source, attributes)?, text(&bind.target)?));
        }
        if let Some(ceilings) = &assignment.ceilings {
            let before = live.ceilings;
            let limited = live.group.limit(ceilings, Some(&before));
            limited.map_err(|error| kernel(Step::Ceilings, &error))?;
            live.ceilings = *ceilings;
        }
        let has_mounts =
            !trees.is_empty() || assignment.hosts.is_some() || assignment.ceilings.is_some();
        if has_mounts {
            self.among_mounts(live.pidfd.as_fd(), || {
                for (tree, path) in &trees {
                    let mounted = sys::attach(tree.as_fd(), path);
                    mounted.map_err(|error| {
                        let what = path.to_string_lossy().into_owned();
                        Failure { step: Step::Mount, errno: error.raw_os_error(), what }
                    })?;
                }
                if let Some(names) = &assignment.hosts {
                    write_hosts(&hosts(names)).map_err(|error| kernel(Step::Hosts, &error))?;
                }
                if let Some(ceilings) = &assignment.ceilings {
                    resize(ceilings).map_err(at(Step::Ceilings))?;
                }
                Ok(())
            })?;
        }
        if assignment.listeners.is_empty() {
            return Ok(Vec::new());
        }
        self.in_network(live.pidfd.as_fd(), Step::Listener, || {
            assignment.listeners.iter().map(child::listener).collect()
        })
    }
}

/// Writes `/etc/hosts` by way of a copy of the root's mount that is not read-only: the file stays the
/// same one, and what reads it next reads the new names.
fn write_hosts(names: &str) -> io::Result<()> {
    let root = sys::copy_tree(c"/", false)?;
    sys::set_mount(&root, 0, sys::READ_ONLY, false)?;
    let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = openat(&root, c"etc/hosts", flags, Mode::empty())?;
    File::from(file).write_all(names.as_bytes())
}

/// Gives `/tmp` another size.
fn resize(ceilings: &Ceilings) -> Result<(), Errno> {
    let tmpfs = Tmpfs::new(ceilings.scratch_bytes, ceilings.scratch_files.into(), "1777");
    let context = fspick(CWD, c"/tmp", FsPickFlags::FSPICK_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"size", &*tmpfs.size)?;
    fsconfig_set_string(context.as_fd(), c"nr_inodes", &*tmpfs.inodes)?;
    fsconfig_reconfigure(context.as_fd())
}

fn at(step: Step) -> impl Fn(Errno) -> Failure {
    move |error| Failure { step, errno: error.raw_os_error(), what: String::new() }
}

fn kernel(step: Step, error: &io::Error) -> Failure {
    Failure { step, errno: error.raw_os_error().unwrap_or(0), what: error.to_string() }
}
