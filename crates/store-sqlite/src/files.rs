//! Components, and the files of applications, as files: `artifacts/sha256/ab/<64 hex digits>` in the home.
//!
//! Invariant: a file under its final name was written whole and synced first; and what is read
//! is checked against its name, so bytes that were swapped on disk are never run.
//!
//! A file's time of modification says when somebody last wanted it.

use crate::error::is_full;
use crate::store::sha256;
use bytes::Bytes;
use model::{Digest, Timestamp};
use ports::Future;
use ports::artifacts::{Artifacts, Error};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// The directory in the home.
pub const DIRECTORY: &str = "artifacts";
/// What names of files begin with that are not whole yet.
const PARTIAL: &str = ".partial-";
/// The directory has no digest of its own to name in an error.
const NONE: Digest = Digest([0; 32]);
/// Threads that write several artifacts: each waits for the disk most of the time.
const WRITERS: usize = 8;

/// Artifacts in files. Clones are handles to the same directory.
///
/// One process at a time: the home's lock holds that.
#[derive(Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    /// Tells concurrent writers of the same artifact apart.
    next: AtomicU64,
}

impl Files {
    /// Opens the artifacts of the home `dir` and removes what a crash left half-written.
    ///
    /// Blocks.
    ///
    /// # Errors
    /// [`crate::Error::Io`] or [`crate::Error::Full`].
    pub fn open(dir: &Path) -> Result<Self, crate::Error> {
        let root = dir.join(DIRECTORY).join("sha256");
        make_directory(&root).map_err(|error| crate::Error::io(&root, error))?;
        remove_partial(&root).map_err(|error| crate::Error::io(&root, error))?;
        Ok(Self { inner: Arc::new(Inner { root, next: AtomicU64::new(0) }) })
    }

    async fn run<T: Send + 'static>(
        &self,
        digest: Digest,
        work: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(failed(digest, io::Error::other(error))))
    }
}

impl Artifacts for Files {
    fn put(&self, expected: Digest, bytes: Bytes) -> Future<'_, Result<(), Error>> {
        Box::pin(self.run(expected, move |inner| inner.put(expected, &bytes)))
    }

    fn read(&self, digest: Digest) -> Future<'_, Result<Bytes, Error>> {
        Box::pin(self.run(digest, move |inner| inner.read(digest)))
    }

    fn contains(&self, digest: Digest) -> Future<'_, Result<bool, Error>> {
        Box::pin(self.run(digest, move |inner| match fs::metadata(inner.path(digest)) {
            Ok(found) => Ok(found.is_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(digest, error)),
        }))
    }

    fn put_all(&self, all: Vec<(Digest, Bytes)>) -> Future<'_, Result<(), Error>> {
        Box::pin(self.run(NONE, move |inner| inner.put_all(&all)))
    }

    fn missing(&self, digests: Vec<Digest>) -> Future<'_, Result<Vec<Digest>, Error>> {
        Box::pin(self.run(NONE, move |inner| {
            let mut missing = Vec::new();
            for digest in digests {
                match inner.read(digest) {
                    Ok(_) => {}
                    Err(Error::Missing(_) | Error::Digest { .. }) => missing.push(digest),
                    Err(error) => return Err(error),
                }
            }
            Ok(missing)
        }))
    }

    fn list(&self) -> Future<'_, Result<Vec<Digest>, Error>> {
        Box::pin(self.run(NONE, move |inner| inner.list().map_err(|error| failed(NONE, error))))
    }

    fn want(&self, digests: Vec<Digest>, now: Timestamp) -> Future<'_, Result<(), Error>> {
        let now = UNIX_EPOCH + Duration::from_micros(now.0.unsigned_abs());
        Box::pin(self.run(NONE, move |inner| {
            digests.into_iter().try_for_each(|digest| {
                let file = File::options().write(true).open(inner.path(digest));
                unless_missing(digest, file.and_then(|file| file.set_modified(now)))
            })
        }))
    }

    fn unwanted(&self, before: Timestamp) -> Future<'_, Result<Vec<Digest>, Error>> {
        Box::pin(self.run(NONE, move |inner| {
            let mut unwanted = Vec::new();
            for digest in inner.list().map_err(|error| failed(NONE, error))? {
                let found = match fs::metadata(inner.path(digest)) {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    found => found.map_err(|error| failed(digest, error))?,
                };
                let wanted = Timestamp(found.mtime() * 1_000_000 + found.mtime_nsec() / 1000);
                unwanted.extend((wanted < before).then_some(digest));
            }
            Ok(unwanted)
        }))
    }

    fn remove(&self, digests: Vec<Digest>) -> Future<'_, Result<(), Error>> {
        Box::pin(self.run(NONE, move |inner| {
            digests
                .into_iter()
                .try_for_each(|digest| unless_missing(digest, fs::remove_file(inner.path(digest))))
        }))
    }
}

impl Inner {
    fn directory(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(hex.get(..2).unwrap_or_default())
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.directory(digest).join(digest.hex())
    }

    fn put(&self, expected: Digest, bytes: &[u8]) -> Result<(), Error> {
        check(expected, bytes)?;
        if self.place(expected, bytes)? {
            sync(&self.directory(expected)).map_err(|error| failed(expected, error))?;
        }
        Ok(())
    }

    /// Checks all of them first, and syncs each directory once at the end.
    fn put_all(&self, all: &[(Digest, Bytes)]) -> Result<(), Error> {
        all.iter().try_for_each(|(digest, bytes)| check(*digest, bytes))?;
        let share = all.len().div_ceil(WRITERS).max(1);
        std::thread::scope(|scope| {
            let place = |part: &[(Digest, Bytes)]| {
                part.iter().try_for_each(|(digest, bytes)| self.place(*digest, bytes).map(drop))
            };
            let writers: Vec<_> =
                all.chunks(share).map(|part| scope.spawn(move || place(part))).collect();
            writers.into_iter().try_for_each(|writer| {
                let gone = |_| Err(failed(NONE, io::Error::other("a writer ended early")));
                writer.join().unwrap_or_else(gone)
            })
        })?;
        let directories: BTreeSet<PathBuf> =
            all.iter().map(|(digest, _)| self.directory(*digest)).collect();
        directories.iter().try_for_each(|dir| sync(dir).map_err(|error| failed(NONE, error)))
    }

    /// Puts bytes under their name; whether they were not there yet. The directory is not synced.
    fn place(&self, expected: Digest, bytes: &[u8]) -> Result<bool, Error> {
        match self.read(expected) {
            Ok(_) => return Ok(false),
            // Damaged bytes are replaced by whole ones.
            Err(Error::Missing(_) | Error::Digest { .. }) => {}
            Err(error) => return Err(error),
        }
        let directory = self.directory(expected);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let partial = directory.join(format!("{PARTIAL}{number}"));
        let written = make_directory(&directory)
            .and_then(|()| write(&partial, bytes))
            .and_then(|()| fs::rename(&partial, self.path(expected)));
        written.map(|()| true).map_err(|error| {
            // Gives the room back; what cannot be removed now goes at the next start.
            let _ = fs::remove_file(&partial);
            failed(expected, error)
        })
    }

    fn read(&self, digest: Digest) -> Result<Bytes, Error> {
        let bytes = match fs::read(self.path(digest)) {
            Ok(bytes) => bytes,
            Err(error) => return Err(lost(digest, error)),
        };
        check(digest, &bytes)?;
        Ok(bytes.into())
    }

    fn list(&self) -> io::Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for directory in directories(&self.root)? {
            for entry in fs::read_dir(directory)? {
                let name = entry?.file_name();
                // Other names are not ours, and nothing reads them.
                let digest = name.to_str().and_then(|hex| format!("sha256:{hex}").parse().ok());
                digests.extend(digest.filter(|digest: &Digest| name == digest.hex().as_str()));
            }
        }
        digests.sort();
        Ok(digests)
    }
}

fn check(expected: Digest, bytes: &[u8]) -> Result<(), Error> {
    let found = sha256(bytes);
    if found == expected { Ok(()) } else { Err(Error::Digest { expected, found }) }
}

fn failed(digest: Digest, source: io::Error) -> Error {
    if is_full(&source) { Error::Full(digest) } else { Error::Io { digest, source } }
}

/// The error for a file that should be there.
fn lost(digest: Digest, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound => Error::Missing(digest),
        _ => failed(digest, source),
    }
}

/// What is not there is passed over.
fn unless_missing(digest: Digest, done: io::Result<()>) -> Result<(), Error> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(digest, error)),
        _ => Ok(()),
    }
}

/// Makes a directory and its parents, readable by the owner only and durable.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    path.parent().map_or(Ok(()), sync)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn directories(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove_partial(root: &Path) -> io::Result<()> {
    for directory in directories(root)? {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PARTIAL)) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_that_the_disk_is_full() {
        // 28 and 122 are ENOSPC and EDQUOT on Linux.
        for errno in [28, 122] {
            let error = failed(Digest([1; 32]), io::Error::from_raw_os_error(errno));
            assert!(matches!(error, Error::Full(_)), "{error:?}");
        }
    }
}
