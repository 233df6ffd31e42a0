//! The root key file: three lines of text that only their owner may read.
//!
//! ```text
//! casemate root key v1
//! epoch 1
//! key 6f1c…  (64 hexadecimal digits)
//! ```
//!
//! The file appears under its name whole or not at all: it is written beside, synced, and linked
//! into place, and a file that is already there is never replaced.
//!
//! Invariant: a file that others could read or that somebody else owns is not used.
//! Invariant: what is checked is what is read, since both happen on one open descriptor.

use crate::ring::FileRing;
use model::key::Epoch;
use model::{Code, Problem, Secret};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const VERSION: &str = "casemate root key v1";
/// A root key file has under 120 bytes; more than this is some other file.
const FILE_BYTES_MAX: u64 = 512;

/// Why a root key file could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file at the path.
    #[error("there is no root key file at {}", path.display())]
    Missing { path: PathBuf },
    /// The file is not a root key.
    #[error("{} is not a root key file: {reason}", path.display())]
    Invalid { path: PathBuf, reason: &'static str },
    /// Somebody else could know the key.
    #[error("the root key file {} is not safe: {reason}", path.display())]
    Unsafe { path: PathBuf, reason: String },
    /// Another root than the one that was expected.
    #[error("the root key has the fingerprint {found}, which is not the one expected")]
    Wrong { found: String },
    /// A file of that name exists. A root key is never overwritten.
    #[error("there is a file at {} already, and a root key is never overwritten", path.display())]
    Exists { path: PathBuf },
    /// The file system refused.
    #[error("cannot {action} the root key file {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a root key")]
    Random,
    /// The library could not derive a key.
    #[error("no key could be derived from the root key")]
    Derivation,
}

impl Error {
    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::RootKeyMissing,
            Self::Invalid { .. } => Code::RootKeyInvalid,
            Self::Unsafe { .. } => Code::RootKeyUnsafe,
            Self::Wrong { .. } => Code::RootKeyWrong,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Code::DiskFull
            }
            Self::Exists { .. } | Self::Io { .. } => Code::BadHome,
            Self::Random | Self::Derivation => Code::Internal,
        }
    }

    /// What is said about it. Only the operator of the node meets these errors, so the path is
    /// no secret from whoever reads them.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code()).detail(self);
        match self {
            Self::Io { source, .. } => problem.internal(source),
            _ => problem,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        error.problem()
    }
}

/// Makes and opens root key files.
#[derive(Debug, Clone, Copy)]
pub struct RootKeyFile;

impl RootKeyFile {
    /// Draws a new root and writes it to `path`, readable by its owner only. When this returns,
    /// the file and its name are on the disk.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`], [`Error::Random`]. No part of a file is left at `path`.
    pub fn create(path: &Path) -> Result<FileRing, Error> {
        let mut root = [0; 32];
        aws_lc_rs::rand::fill(&mut root).map_err(|_| Error::Random)?;
        let secret = Secret::new(root);
        root.zeroize();
        let ring = FileRing::new(secret.clone(), FileRing::FIRST_EPOCH)?;
        write_new(path, &encode(FileRing::FIRST_EPOCH, &secret))?;
        Ok(ring)
    }

    /// Reads the root at `path`. A symbolic link is followed; what counts is the file that it
    /// leads to: its owner must be who we run as, and nobody else may have any right to it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`], [`Error::Unsafe`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<FileRing, Error> {
        // Without NONBLOCK, opening a pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| open_error(path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| io("look at", path, errno))?;
        check(path, &stat)?;
        let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
        File::from(file)
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut text)
            .map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
        let (epoch, root) =
            decode(&text).map_err(|reason| Error::Invalid { path: path.to_owned(), reason })?;
        FileRing::new(root, epoch)
    }
}

fn io(action: &'static str, path: &Path, errno: Errno) -> Error {
    Error::Io { action, path: path.to_owned(), source: errno.into() }
}

fn open_error(path: &Path, errno: Errno) -> Error {
    let path = path.to_owned();
    match errno {
        Errno::NOENT => Error::Missing { path },
        Errno::ACCESS | Errno::PERM => {
            Error::Unsafe { path, reason: "this user may not read it".to_owned() }
        }
        _ => Error::Io { action: "open", path, source: errno.into() },
    }
}

fn check(path: &Path, stat: &Stat) -> Result<(), Error> {
    let path = path.to_owned();
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::Invalid { path, reason: "it is not a regular file" });
    }
    let owner = rustix::process::geteuid().as_raw();
    if stat.st_uid != owner {
        let reason = format!("user {} owns it, and this is user {owner}", stat.st_uid);
        return Err(Error::Unsafe { path, reason });
    }
    let mode = stat.st_mode & 0o7777;
    if mode & 0o077 != 0 {
        let reason = format!("its mode is {mode:04o}, which is more than 0600");
        return Err(Error::Unsafe { path, reason });
    }
    Ok(())
}

fn encode(epoch: Epoch, root: &Secret<[u8; 32]>) -> Zeroizing<String> {
    let digits = Zeroizing::new(hex::encode(root.expose()));
    Zeroizing::new(format!("{VERSION}\nepoch {}\nkey {}\n", epoch.0, *digits))
}

fn decode(text: &[u8]) -> Result<(Epoch, Secret<[u8; 32]>), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let mut lines = text.strip_suffix('\n').ok_or("its last line is cut")?.split('\n');
    if lines.next() != Some(VERSION) {
        return Err("it does not begin with `casemate root key v1`");
    }
    let epoch = lines.next().and_then(|line| line.strip_prefix("epoch ")).and_then(number);
    let epoch = epoch.ok_or("its second line is not `epoch NUMBER`")?;
    let mut root = [0; 32];
    let digits = lines.next().and_then(|line| line.strip_prefix("key "));
    let decoded = digits.and_then(|digits| hex::decode_to_slice(digits, &mut root).ok());
    decoded.ok_or("its third line is not `key` and 64 hexadecimal digits")?;
    let secret = Secret::new(root);
    root.zeroize();
    if lines.next().is_some() {
        return Err("it has more than three lines");
    }
    if *secret.expose() == [0; 32] {
        return Err("its key is all zeros");
    }
    Ok((Epoch(epoch), secret))
}

/// A decimal number from 1 on, written in the one usual way.
fn number(text: &str) -> Option<u32> {
    let value: u32 = text.parse().ok()?;
    (value > 0 && value.to_string() == text).then_some(value)
}

/// Writes `text` to a file that is not there yet, and waits for the disk.
fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut draft = directory.to_owned();
    draft.push(format!(".root-key-{}", suffix()?));
    let placed = write_draft(&draft, text)
        .map_err(|source| Error::Io { action: "write", path: draft.clone(), source })
        .and_then(|()| match rustix::fs::link(&draft, path) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(Error::Exists { path: path.to_owned() }),
            Err(errno) => Err(io("place", path, errno)),
        });
    let cleared = rustix::fs::unlink(&draft);
    placed?;
    cleared.map_err(|errno| io("remove the draft of", &draft, errno))?;
    sync_directory(directory).map_err(|source| Error::Io {
        action: "sync the directory of",
        path: path.into(),
        source,
    })
}

fn suffix() -> Result<String, Error> {
    let mut bytes = [0u8; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(hex::encode(bytes))
}

fn write_draft(path: &Path, text: &str) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = rustix::fs::open(path, flags, mode)?;
    // The umask can only take rights away, even ours: say exactly what is meant.
    rustix::fs::fchmod(&file, mode)?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    Ok(rustix::fs::fsync(directory)?)
}

#[cfg(test)]
mod tests;
