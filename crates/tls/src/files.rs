//! Reads the operator's PEM files.
//!
//! Invariant: what is checked is what is read, since both happen on one open descriptor.

use model::{Code, Problem};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// A chain, or a list of authorities, has some kilobytes; revocation lists may be larger.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What tells one content of a file from another, without reading it: device, number, size, and
/// time of its last change in nanoseconds. A path that leads nowhere has none.
pub(crate) type Stamp = Option<(u64, u64, i64, i64)>;

/// The stamp of what a path leads to now.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let stat = rustix::fs::stat(path).ok()?;
    let time = stat
        .st_mtime
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
    Some((stat.st_dev, stat.st_ino, stat.st_size, time))
}

/// Reads a file that everybody may know.
pub(crate) fn public(path: &Path, code: Code) -> Result<Vec<u8>, Problem> {
    let (file, _) = open(path, code)?;
    Ok(read(file, path, code)?.to_vec())
}

/// Reads a private key's file, if nobody else can read or change it.
pub(crate) fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let code = Code::CertificateKeyUnreadable;
    let (file, stat) = open(path, code)?;
    check_private(path, &stat)?;
    read(file, path, code)
}

fn open(path: &Path, code: Code) -> Result<(File, Stat), Problem> {
    let wrong = |errno: Errno| {
        let error = std::io::Error::from(errno);
        Problem::new(code).detail(format!("{}: {error}", path.display()))
    };
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(wrong)?;
    let stat = rustix::fs::fstat(&file).map_err(wrong)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        let detail = format!("{} is not a regular file", path.display());
        return Err(Problem::new(code).detail(detail));
    }
    Ok((File::from(file), stat))
}

fn read(file: File, path: &Path, code: Code) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Problem::new(code).detail(format!("{}: {error}", path.display())))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let detail = format!("{} has more than {} MiB", path.display(), FILE_BYTES_MAX >> 20);
        return Err(Problem::new(code).detail(detail));
    }
    Ok(bytes)
}

/// A key may be read by a group, which is how tools that renew certificates share them.
fn check_private(path: &Path, stat: &Stat) -> Result<(), Problem> {
    let shown = path.display();
    let wrong =
        |why: String| Problem::new(Code::CertificateKeyUnsafe).detail(format!("{shown}: {why}"));
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own && stat.st_uid != 0 {
        let why = format!("its owner is user {}, and this is user {own}", stat.st_uid);
        return Err(wrong(why).hint(format!("chown {own} {shown}")));
    }
    let mode = stat.st_mode & 0o777;
    if mode & 0o027 != 0 {
        return Err(wrong(format!("its mode is {mode:o}")).hint(format!("chmod 600 {shown}")));
    }
    Ok(())
}
