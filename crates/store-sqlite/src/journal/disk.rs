//! The few things that the journal asks of a file system.
//!
//! They are a trait, so that a test can drop what was never synced, tear a write or fill the
//! disk at any point.

pub(super) mod real;
#[cfg(test)]
pub(super) mod unsynced;

use std::io;
use std::path::Path;

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that this process may still take.
    pub free_bytes: u64,
    /// Bytes of the file system.
    pub total_bytes: u64,
}

/// A file system.
pub(super) trait Disk: Send + Sync {
    /// Makes a directory, readable by its owner only, if it is not there.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// The names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a new file; fails if there is one.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
    /// Opens a file.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;
    /// Gives a file the name of another, which goes.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes what was created and removed in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// How much room there is.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// Makes a new file that holds `bytes` of the disk.
    fn reserve(&self, path: &Path, bytes: u64) -> io::Result<()>;
}

/// An open file.
pub(super) trait SegmentFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `bytes` from `offset` on.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts it.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// The bytes `from..from + len` of a file.
pub(super) fn read(file: &dyn SegmentFile, from: u64, len: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}
