//! The directory of a jail that the platform sees.

use super::super::super::wire;
use super::super::super::words::Step;
use super::super::prepare::Prepared;
use super::{At as _, Ends, Stumble};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use std::io::IoSlice;
use std::os::fd::AsFd as _;

/// Makes it, before anything of the function runs, and hands a descriptor of it out.
pub(super) fn open<'a>(prepared: &'a Prepared, ends: &Ends) -> Result<(), Stumble<'a>> {
    let Some(path) = &prepared.window else { return Ok(()) };
    mkdirat(CWD, &**path, Mode::from_raw_mode(0o755)).of(Step::Window, path)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let window = openat(CWD, &**path, flags, Mode::empty()).of(Step::Window, path)?;
    let sent = wire::send(ends.report.as_fd(), &[IoSlice::new(b"D")], &[window.as_fd()]);
    sent.of(Step::Window, path)
}
