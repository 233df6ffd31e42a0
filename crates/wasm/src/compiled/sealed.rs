//! A file in memory that can be written, then sealed, then only read.
//!
//! Invariant: a [`SealedFile`] cannot change any more, whoever holds a descriptor of it.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

/// A file in memory, without a name, that is still being written.
///
/// # Errors
/// What the kernel says.
#[cfg(target_os = "linux")]
pub(crate) fn create() -> io::Result<File> {
    use rustix::fs::MemfdFlags;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // `NOEXEC_SEAL` (Linux 6.3) forbids executing the file itself; mapping its code is allowed.
    let made = rustix::fs::memfd_create("casemate", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| rustix::fs::memfd_create("casemate", flags))?;
    Ok(File::from(made))
}

/// A file without a name. Other systems have no seals; see [`SealedFile`].
///
/// # Errors
/// What the system says.
#[cfg(not(target_os = "linux"))]
pub(crate) fn create() -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("casemate-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// A file in memory that cannot change.
///
/// Outside Linux it is an unlinked file of the same user, which is good enough for developing
/// and is why other systems are not for production.
#[derive(Debug)]
pub(crate) struct SealedFile(File);

impl SealedFile {
    /// Seals `file`: no write, no growth, no shrinking, no further seals.
    ///
    /// # Errors
    /// If somebody still has it mapped for writing, or the kernel cannot seal.
    pub(crate) fn seal(file: File) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::SealFlags;
            let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
            rustix::fs::fcntl_add_seals(&file, seals)?;
        }
        Ok(Self(file))
    }

    /// A file that another process has sealed already. Who hands it over vouches for that and for
    /// what is in it.
    pub(crate) fn handed_over(file: File) -> Self {
        Self(file)
    }

    /// The file, for reading at explicit positions.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// The file, for handing it to a child.
    pub(crate) fn into_file(self) -> File {
        self.0
    }

    /// How long it is, in bytes.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn len(&self) -> io::Result<u64> {
        // Not by its metadata: a process that runs guests may not ask for those of any file. Nobody
        // reads this file from where it stands.
        (&self.0).seek(SeekFrom::End(0))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    #[test]
    fn a_sealed_file_takes_no_more_bytes_from_any_descriptor() {
        let mut file = create().expect("memfd");
        file.write_all(b"code").expect("write");
        let other = file.try_clone().expect("clone");
        let sealed = SealedFile::seal(file).expect("seal");
        assert!(other.write_at(b"evil", 0).is_err());
        assert!(other.set_len(0).is_err());
        let mut bytes = [0; 4];
        sealed.file().read_exact_at(&mut bytes, 0).expect("read");
        assert_eq!(&bytes, b"code");
    }
}
