//! The root key file: a few lines of text that only their owner may read.
//!
//! ```text
//! casemate root key v2
//! epoch 1 1764000000000000 64ac…  (number, microseconds UTC, fingerprint)
//! epoch 2 1795536000000000 9f02…
//! key 6f1c…                       (64 hexadecimal digits for each epoch)
//! key 00d7…
//! ```
//!
//! Sealed with a passphrase, the roots lie in one line, and what stands before them is
//! authenticated with them:
//!
//! ```text
//! argon2id 65536 3 4 5d1b…        (KiB, passes, lanes, salt)
//! sealed 8be0…
//! ```
//!
//! The first version had `casemate root key v1`, one line `epoch 1` and one key, and is read.
//!
//! The file appears under its name whole or not at all: it is written beside, synced, and linked
//! into place. A file that is already there is replaced by a rotation and by a copy of the same
//! roots that has more of them, and by nothing else; both hold a lock on it meanwhile.
//!
//! Invariant: a file that others could read or that somebody else owns is not used.
//! Invariant: what is checked is what is read, since both happen on one open descriptor.

mod form;
#[cfg(test)]
mod fuzz;
mod replace;

use crate::passphrase::{Cost, Passphrase, Seal};
use crate::ring::{FileRing, Made, Root, Roots};
use form::Form;
use model::key::Epoch;
use model::{Code, Problem, Secret, Timestamp};
pub use replace::{Rotation, Taken};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const VERSION: &str = "casemate root key v2";
const VERSION_1: &str = "casemate root key v1";
/// A root key file with as many epochs as it may have is shorter; more than this is some other
/// file.
const FILE_BYTES_MAX: u64 = 64 << 10;

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
    /// The root is sealed, and there is no passphrase.
    #[error("the root key in {} is sealed with a passphrase", path.display())]
    Sealed { path: PathBuf },
    /// Another passphrase sealed it, or it was changed.
    #[error("the passphrase does not open {}", path.display())]
    NotOpened { path: PathBuf },
    /// A passphrase that nothing may be sealed with, or that cannot be read.
    #[error("the passphrase cannot be used: {reason}")]
    Passphrase { reason: String },
    /// The home knows an epoch that the ring does not have.
    #[error("the home was used with epoch {} of the root key, and the file ends with epoch {}", known.0, newest.0)]
    Older { known: Epoch, newest: Epoch },
    /// The file is not as it was when somebody decided to change it.
    #[error("the root key file {} was changed meanwhile: {reason}", path.display())]
    Changed { path: PathBuf, reason: String },
    /// There is no room for one more epoch.
    #[error("the root key has {} epochs, which is as many as it can have", Roots::MAX)]
    Full,
    /// The epoch is the first or the newest, or is not there.
    #[error("epoch {} cannot be taken out of the root key", epoch.0)]
    Stays { epoch: Epoch },
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
            Self::Exists { .. } => Code::RootKeyThere,
            Self::Sealed { .. } => Code::PassphraseMissing,
            Self::NotOpened { .. } => Code::PassphraseWrong,
            Self::Passphrase { .. } => Code::PassphraseUnfit,
            Self::Older { .. } => Code::RootKeyOlder,
            Self::Changed { .. } => Code::RootKeyChanged,
            Self::Full => Code::EpochsFull,
            Self::Stays { .. } => Code::EpochStays,
            Self::Io { .. } => Code::BadHome,
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
    /// Draws a new root and writes it to `path`, readable by its owner only, and sealed if there is
    /// a passphrase. When this returns, the file and its name are on the disk.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`], [`Error::Random`]. No part of a file is left at `path`.
    pub fn create(
        path: &Path,
        now: Timestamp,
        passphrase: Option<&Passphrase>,
    ) -> Result<FileRing, Error> {
        let root = Root::new(FileRing::FIRST_EPOCH, Some(now), draw()?)?;
        let seal = passphrase.map(Seal::new).transpose()?;
        let ring = FileRing::new(Roots::of(root), seal);
        write_new(path, &form::encode(&ring.roots(), ring.seal())?)?;
        Ok(ring)
    }

    /// Reads the roots at `path`. A symbolic link is followed; what counts is the file that it
    /// leads to: its owner must be who we run as, and nobody else may have any right to it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`], [`Error::Unsafe`], [`Error::Io`];
    /// [`Error::Sealed`] and [`Error::NotOpened`] if it is sealed.
    pub fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<FileRing, Error> {
        match read(path, &open_checked(path)?)? {
            Form::Open(roots) => Ok(FileRing::new(roots, None)),
            Form::Sealed(sealed) => {
                let (roots, seal) = sealed.open(path, passphrase)?;
                Ok(FileRing::new(roots, Some(seal)))
            }
        }
    }

    /// What can be said of the file at `path` without a passphrase: its epochs, and what a try at
    /// its passphrase costs, if it is sealed. Of a sealed file nothing of it is authenticated.
    ///
    /// # Errors
    /// As [`RootKeyFile::open`].
    pub fn look(path: &Path) -> Result<(Vec<Made>, Option<Cost>), Error> {
        let form = read(path, &open_checked(path)?)?;
        Ok((form.made(), form.cost()))
    }

    /// The text of a copy of the roots, sealed if there is a passphrase.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Derivation`].
    pub fn copy(
        ring: &FileRing,
        passphrase: Option<&Passphrase>,
    ) -> Result<Secret<Vec<u8>>, Error> {
        let seal = passphrase.map(Seal::new).transpose()?;
        let mut text = form::encode(&ring.roots(), seal.as_ref())?;
        Ok(Secret::new(std::mem::take(&mut *text).into_bytes()))
    }
}

/// A new root.
fn draw() -> Result<Secret<[u8; 32]>, Error> {
    let mut root = [0; 32];
    aws_lc_rs::rand::fill(&mut root).map_err(|_| Error::Random)?;
    let secret = Secret::new(root);
    root.zeroize();
    Ok(secret)
}

/// Opens a file that may be used.
fn open_checked(path: &Path) -> Result<File, Error> {
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| open_error(path, errno))?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| io("look at", path, errno))?;
    check(path, &stat)?;
    Ok(File::from(file))
}

fn read(path: &Path, file: &File) -> Result<Form, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(|source| Error::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    form::decode(&text).map_err(|reason| Error::Invalid { path: path.to_owned(), reason })
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

/// Writes `text` to a file that is not there yet, and waits for the disk.
fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let directory = directory(path);
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

/// The directory that a file is in.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
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
