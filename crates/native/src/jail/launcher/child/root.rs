//! The root of a jail: a small tmpfs with what the plan names, read-only when it is done.

use super::super::super::sys;
use super::super::super::words::Step;
use super::super::prepare::{EMPTY, Prepared, Tmpfs};
use super::{At as _, Shared, Stumble};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, UnmountFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, unmount,
};
use std::ffi::CStr;
use std::os::fd::{AsFd as _, OwnedFd};

/// What of `/proc` tells of the machine: read as empty.
const HIDDEN_FILES: [&CStr; 20] = [
    c"/proc/cmdline",
    c"/proc/config.gz",
    c"/proc/diskstats",
    c"/proc/interrupts",
    c"/proc/iomem",
    c"/proc/ioports",
    c"/proc/kallsyms",
    c"/proc/kcore",
    c"/proc/key-users",
    c"/proc/keys",
    c"/proc/kpagecgroup",
    c"/proc/kpagecount",
    c"/proc/kpageflags",
    c"/proc/latency_stats",
    c"/proc/modules",
    c"/proc/partitions",
    c"/proc/sched_debug",
    c"/proc/sysrq-trigger",
    c"/proc/timer_list",
    c"/proc/vmallocinfo",
];
const HIDDEN_DIRECTORIES: [&CStr; 6] =
    [c"/proc/acpi", c"/proc/bus", c"/proc/driver", c"/proc/fs", c"/proc/irq", c"/proc/scsi"];

/// Makes the root, and leaves the old one.
pub(super) fn build<'a>(prepared: &'a Prepared, shared: &Shared) -> Result<(), Stumble<'a>> {
    let plain = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let root = tmpfs(&prepared.root, plain).at(Step::Root)?;
    let scratch = tmpfs(&prepared.scratch, plain).of(Step::Mount, c"/tmp")?;
    let common = tmpfs(&prepared.shared, plain).of(Step::Mount, c"/dev/shm")?;
    // While the machine's own is still to be seen: where that is masked, no other can be mounted.
    let proc = match proc() {
        Ok(proc) => Some(proc),
        Err(_) if shared.no_proc => None,
        Err(error) => return Err(error).at(Step::Proc),
    };
    change_root(&root).at(Step::Pivot)?;
    fill(prepared)?;
    for (tree, path) in &prepared.mounts {
        sys::attach(tree.as_fd(), path).of(Step::Mount, path)?;
    }
    for (own, path) in &prepared.over {
        let file = sys::copy_tree(own, false).of(Step::Mount, path)?;
        sys::set_mount(&file, sys::READ_ONLY, 0, false).of(Step::Mount, path)?;
        sys::attach(file.as_fd(), path).of(Step::Mount, path)?;
        // It stays where it was mounted.
        rustix::fs::unlinkat(CWD, &**own, AtFlags::empty()).of(Step::File, own)?;
    }
    sys::attach(scratch.as_fd(), c"/tmp").of(Step::Mount, c"/tmp")?;
    sys::attach(common.as_fd(), c"/dev/shm").of(Step::Mount, c"/dev/shm")?;
    if let Some(proc) = proc {
        sys::attach(proc.as_fd(), c"/proc").of(Step::Mount, c"/proc")?;
        mask()?;
    }
    sys::set_mount(&root, sys::READ_ONLY, 0, false).at(Step::Seal)
}

/// A tmpfs that is mounted nowhere yet.
fn tmpfs(of: &Tmpfs, attributes: MountAttrFlags) -> Result<OwnedFd, Errno> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"size", &*of.size)?;
    fsconfig_set_string(context.as_fd(), c"nr_inodes", &*of.inodes)?;
    fsconfig_set_string(context.as_fd(), c"mode", &*of.mode)?;
    fsconfig_create(context.as_fd())?;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn proc() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Mounts the new root over the old one, and lets that go.
fn change_root(root: &OwnedFd) -> Result<(), Errno> {
    sys::attach(root.as_fd(), c"/")?;
    rustix::process::fchdir(root)?;
    rustix::process::pivot_root(c".", c".")?;
    unmount(c".", UnmountFlags::DETACH)?;
    rustix::process::chdir(c"/")
}

/// Makes directories, files and links. What is there twice is there once.
fn fill(prepared: &Prepared) -> Result<(), Stumble<'_>> {
    for path in &prepared.directories {
        match rustix::fs::mkdirat(CWD, &**path, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => {}
            made => made.of(Step::Directory, path)?,
        }
    }
    for (path, bytes) in &prepared.files {
        write(path, bytes).of(Step::File, path)?;
    }
    for (path, target) in &prepared.links {
        rustix::fs::symlinkat(&**target, CWD, &**path).of(Step::Link, path)?;
    }
    Ok(())
}

fn write(path: &CStr, bytes: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::from_raw_mode(0o644))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Hides what of `/proc` is nobody's business, and lets the rest of it be read only, as far as it
/// is about the machine.
fn mask<'a>() -> Result<(), Stumble<'a>> {
    for path in HIDDEN_FILES {
        cover(c"/dev/null", path, 0).of(Step::Mask, path)?;
    }
    for path in HIDDEN_DIRECTORIES {
        cover(EMPTY, path, sys::READ_ONLY).of(Step::Mask, path)?;
    }
    cover(c"/proc/sys", c"/proc/sys", sys::READ_ONLY).of(Step::Mask, c"/proc/sys")
}

/// Mounts one path over another, where there is that.
fn cover(by: &CStr, path: &CStr, attributes: u64) -> Result<(), Errno> {
    let tree = sys::copy_tree(by, false)?;
    if attributes != 0 {
        sys::set_mount(&tree, attributes, 0, false)?;
    }
    match sys::attach(tree.as_fd(), path) {
        Err(Errno::NOENT) => Ok(()),
        covered => covered,
    }
}
