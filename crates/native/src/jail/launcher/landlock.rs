//! Landlock, as the child puts it on itself: what may be done below which directory.
//!
//! Rules cover what is mounted below later, but not what is mounted at the very directory that has
//! one: the way up from there leads past it, to the top. So the top itself may be read where a
//! directory of it is a place for later. Nothing lies there but directories, and each has a rule of its
//! own, so that lets nobody read anything else; and in a jail without such a place a file at the top
//! cannot be read: that is how a check sees it work.

use super::super::sys;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::CStr;

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
/// Reading, running and listing.
const READ: u64 = EXECUTE | READ_FILE | READ_DIR;

/// What can be restricted by this version of the interface: files, and from version 6 on signals
/// and abstract sockets.
fn handled(version: i32) -> (u64, u64) {
    let bits = match version {
        ..=1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    let scopes = if version >= 6 { 3 } else { 0 };
    ((1 << bits) - 1, scopes)
}

/// Restricts this process. `top` are the directories and the files at the top of the jail, with their
/// `/`; `open` says whether one of them is a place for later.
pub(super) fn restrict<'a>(
    version: i32,
    open: bool,
    top: (impl Iterator<Item = &'a CStr>, impl Iterator<Item = &'a CStr>),
) -> Result<(), Errno> {
    let (all, scopes) = handled(version);
    let rules = sys::landlock_rules(all, scopes)?;
    let allow = |path: &CStr, access: u64| -> Result<(), Errno> {
        match openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(place) => sys::landlock_allow(&rules, &place, access & all),
            // Not in every jail.
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error),
        }
    };
    allow(c"/", if open { READ } else { READ_DIR })?;
    for directory in top.0 {
        allow(directory, READ)?;
    }
    for file in top.1 {
        allow(file, EXECUTE | READ_FILE)?;
    }
    allow(c"/tmp", u64::MAX)?;
    allow(c"/dev/shm", u64::MAX)?;
    for device in [c"/dev/null", c"/dev/zero", c"/dev/full", c"/dev/random", c"/dev/urandom"] {
        allow(device, READ_FILE | WRITE_FILE | TRUNCATE)?;
    }
    allow(c"/proc", READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE)?;
    sys::landlock_restrict(&rules)
}
