//! Replacing a root key file: a rotation, an epoch that goes, and putting a copy back.
//!
//! Invariant: who replaces a file holds a lock on it, and looks under that lock whether it is still
//! the one that has the name.
//! Invariant: no root is lost by it, but for one that is retired. What is there is otherwise a part
//! of what takes its place.

use super::{
    Error, Form, RootKeyFile, directory, draw, form, io, open_checked, read, sync_directory,
    write_draft, write_new,
};
use crate::passphrase::{Passphrase, Seal};
use crate::ring::{FileRing, Made, Root, Roots};
use model::Timestamp;
use model::key::Epoch;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// An epoch that lies in the file and is not used yet.
#[derive(Debug)]
pub struct Rotation {
    made: Made,
    roots: Arc<Roots>,
}

impl Rotation {
    /// What can be said of it.
    #[must_use]
    pub const fn made(&self) -> &Made {
        &self.made
    }

    /// Has new things made with it from now on.
    pub fn begin(self, ring: &FileRing) {
        ring.adopt(self.roots);
    }
}

/// What became of a copy that was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// There was no file.
    Written,
    /// There was one of the same roots, with fewer epochs.
    Replaced,
    /// All of it is there already.
    There,
}

impl RootKeyFile {
    /// Adds an epoch with a root of its own to the file at `path`, which `ring` was opened from.
    /// `from` is the epoch that whoever decided it saw as the newest: if it is not any more,
    /// somebody else was first. The ring goes on as it was until [`Rotation::begin`].
    ///
    /// # Errors
    /// [`Error::Changed`] if somebody else changed the file or changes it now; [`Error::Full`];
    /// otherwise as [`RootKeyFile::open`]. The file is then as it was.
    pub fn rotate(
        path: &Path,
        ring: &FileRing,
        from: Epoch,
        now: Timestamp,
    ) -> Result<Rotation, Error> {
        let path = &real(path)?;
        let locked = Locked::take(path)?;
        let roots = ring.roots();
        let newest = locked.form.made().last().map_or(from, |made| made.epoch);
        if newest != from {
            return Err(locked.changed(format!("its newest epoch is {}", newest.0)));
        }
        locked.expect(&roots, ring)?;
        let next = newest.0.checked_add(1).map(Epoch).ok_or(Error::Full)?;
        let root = Root::new(next, Some(now), draw()?)?;
        let made = root.made();
        let roots = roots.with(root).ok_or(Error::Full)?;
        locked.replace(&roots, ring.seal())?;
        Ok(Rotation { made, roots: Arc::new(roots) })
    }

    /// Takes an epoch out of the file at `path`, which `ring` was opened from, and then out of the
    /// ring. What is sealed with it cannot be read any more: whoever calls has made sure that there
    /// is nothing. A crash leaves all of it in the file, or none.
    ///
    /// # Errors
    /// [`Error::Stays`] if it is the first or the newest, or is not there; [`Error::Changed`] if
    /// somebody else changed the file or changes it now; otherwise as [`RootKeyFile::open`]. File and
    /// ring are then as they were.
    pub fn retire(path: &Path, ring: &FileRing, epoch: Epoch) -> Result<(), Error> {
        let path = &real(path)?;
        let locked = Locked::take(path)?;
        let roots = ring.roots();
        locked.expect(&roots, ring)?;
        let roots = roots.without(epoch).ok_or(Error::Stays { epoch })?;
        locked.replace(&roots, ring.seal())?;
        ring.adopt(Arc::new(roots));
        Ok(())
    }

    /// Puts a copy of a root key at `path`, sealed if there is a passphrase. What is there is
    /// replaced only if every epoch of it is in the copy, too, with the same root.
    ///
    /// # Errors
    /// [`Error::Exists`] if something else is there, [`Error::Older`] if it has an epoch that the
    /// copy does not have, [`Error::Sealed`] if it is sealed and there is no passphrase; otherwise as [`RootKeyFile::open`].
    pub fn put_back(
        path: &Path,
        copy: &FileRing,
        passphrase: Option<&Passphrase>,
    ) -> Result<Taken, Error> {
        let seal = passphrase.map(Seal::new).transpose()?;
        let roots = copy.roots();
        let exists = || Error::Exists { path: path.to_owned() };
        let real = match real(path) {
            Err(Error::Missing { .. }) => {
                write_new(path, &form::encode(&roots, seal.as_ref())?)?;
                return Ok(Taken::Written);
            }
            real => real?,
        };
        let locked = Locked::take(&real).map_err(|error| match error {
            Error::Invalid { .. } => exists(),
            other => other,
        })?;
        let there = locked.form.made();
        if there.first().is_none_or(|founding| founding.fingerprint != copy.fingerprint()) {
            return Err(exists());
        }
        for made in &there {
            let newest = roots.newest().epoch;
            let root = roots.get(made.epoch);
            let root = root.ok_or(Error::Older { known: made.epoch, newest })?;
            if root.fingerprint != made.fingerprint {
                return Err(exists());
            }
        }
        if locked.form.cost().is_some() && seal.is_none() {
            // What was sealed does not become plain by the way.
            return Err(Error::Sealed { path: path.to_owned() });
        }
        if there.len() == roots.all().count() {
            return Ok(Taken::There);
        }
        locked.replace(&roots, seal.as_ref())?;
        Ok(Taken::Replaced)
    }
}

/// The file that a path leads to: a link to it stays a link.
fn real(path: &Path) -> Result<std::path::PathBuf, Error> {
    std::fs::canonicalize(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound if path.is_symlink() => {
            Error::Exists { path: path.to_owned() }
        }
        std::io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
        _ => Error::Io { action: "find", path: path.to_owned(), source },
    })
}

/// A root key file that nobody else replaces now.
struct Locked<'a> {
    path: &'a Path,
    form: Form,
    _lock: File,
}

impl<'a> Locked<'a> {
    fn take(path: &'a Path) -> Result<Self, Error> {
        let changed =
            |reason: &str| Error::Changed { path: path.to_owned(), reason: reason.to_owned() };
        let failed = |action, source| Error::Io { action, path: path.to_owned(), source };
        let file = open_checked(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => changed("somebody else is changing it"),
            TryLockError::Error(source) => failed("lock", source),
        })?;
        // Whoever had the lock before may have given the name to another file.
        let own = file.metadata().map_err(|error| failed("look at", error))?;
        let named = std::fs::metadata(path).map_err(|error| failed("look at", error))?;
        if (own.dev(), own.ino()) != (named.dev(), named.ino()) {
            return Err(changed("somebody else was faster"));
        }
        Ok(Self { path, form: read(path, &file)?, _lock: file })
    }

    fn changed(&self, reason: String) -> Error {
        Error::Changed { path: self.path.to_owned(), reason }
    }

    /// Refuses a file that is not the one that the ring is from.
    fn expect(&self, roots: &Roots, ring: &FileRing) -> Result<(), Error> {
        let held: Vec<Made> = roots.all().map(Root::made).collect();
        if self.form.made() != held {
            return Err(self.changed("its roots are not those that are in use".to_owned()));
        }
        if !self.form.is_sealed_with(ring.seal()) {
            return Err(self.changed("it is sealed in another way".to_owned()));
        }
        Ok(())
    }

    /// Gives the name to a file with these roots.
    fn replace(&self, roots: &Roots, seal: Option<&Seal>) -> Result<(), Error> {
        let text = form::encode(roots, seal)?;
        let directory = directory(self.path);
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        // One name, and only whoever holds the lock uses it: what a crash left goes with the next.
        let draft = directory.join(format!(".{name}.next"));
        match rustix::fs::unlink(&draft) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(io("remove an old draft of", &draft, errno)),
        }
        let written = write_draft(&draft, &text)
            .map_err(|source| Error::Io { action: "write", path: draft.clone(), source })
            .and_then(|()| {
                rustix::fs::rename(&draft, self.path).map_err(|errno| io("place", self.path, errno))
            });
        if written.is_err() {
            // It holds a root that nobody will use.
            let _already_failing = rustix::fs::unlink(&draft);
        }
        written?;
        sync_directory(directory).map_err(|source| Error::Io {
            action: "sync the directory of",
            path: self.path.into(),
            source,
        })
    }
}
