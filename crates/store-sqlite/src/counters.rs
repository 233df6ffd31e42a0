//! What was used today, in the file `counters` of the home.
//!
//! Invariant: the file is whole or it is not believed: it begins with the CRC-32 of what follows, it
//! is written beside its place, synced, and then renamed.

use ports::{Counters, Future};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file in the home.
pub const FILE: &str = "counters";
/// What it is called before it is whole.
const PARTIAL: &str = ".counters-partial";
/// What it begins with.
const MAGIC: [u8; 8] = *b"cmcount\x01";
/// The magic bytes and the checksum.
const HEAD_BYTES: usize = 12;

/// Counters in a file. One process at a time: the home's lock holds that.
#[derive(Debug, Clone)]
pub struct CounterFile {
    home: PathBuf,
}

impl CounterFile {
    /// The counters of the home `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { home: dir.to_owned() }
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let bytes = match fs::read(self.home.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = whole(&bytes);
        if found.is_none() {
            tracing::warn!(
                "the counters of caps are damaged; what was used today is counted anew from the records"
            );
        }
        Ok(found)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let partial = self.home.join(PARTIAL);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)?;
        file.write_all(&MAGIC)?;
        file.write_all(&crc32fast::hash(bytes).to_le_bytes())?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, self.home.join(FILE))?;
        File::open(&self.home)?.sync_all()
    }
}

/// What stands behind the head, if all of it is there.
fn whole(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let (magic, sum) = head.split_at_checked(MAGIC.len())?;
    let fits = magic == MAGIC && sum == crc32fast::hash(rest).to_le_bytes();
    fits.then(|| rest.to_vec())
}

impl Counters for CounterFile {
    fn load(&self) -> Future<'_, Result<Option<Vec<u8>>, String>> {
        let this = self.clone();
        Box::pin(run(move || this.read()))
    }

    fn save(&self, bytes: Vec<u8>) -> Future<'_, Result<(), String>> {
        let this = self.clone();
        Box::pin(run(move || this.write(&bytes)))
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_saved_comes_back_and_the_last_one_counts() {
        let home = tempfile::tempdir().expect("a directory");
        let counters = CounterFile::new(home.path());
        assert_eq!(counters.load().await, Ok(None));
        counters.save(b"one".to_vec()).await.expect("saved");
        counters.save(b"two".to_vec()).await.expect("saved");
        assert_eq!(CounterFile::new(home.path()).load().await, Ok(Some(b"two".to_vec())));
        assert!(!home.path().join(PARTIAL).exists());
    }

    #[tokio::test]
    async fn a_damaged_file_is_not_believed() {
        let home = tempfile::tempdir().expect("a directory");
        let counters = CounterFile::new(home.path());
        counters.save(b"counted".to_vec()).await.expect("saved");
        let path = home.path().join(FILE);
        let good = fs::read(&path).expect("bytes");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).expect("written");
            assert_eq!(counters.load().await, Ok(None), "a bit of byte {at}");
            fs::write(&path, &good[..at]).expect("written");
            assert_eq!(counters.load().await, Ok(None), "{at} bytes");
        }
    }
}
