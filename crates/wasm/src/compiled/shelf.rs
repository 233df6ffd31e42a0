//! The directory of compiled components.
//!
//! A file is: 16 bytes of format name, a 32-byte keyed BLAKE3 hash, the native code. The hash
//! covers a context string, the engine's compatibility digest, the component's digest and the
//! code, so a file serves neither another component nor another engine.
//!
//! Invariant: a file appears whole, by rename, after its bytes are on disk.

use super::{SealedFile, sealed};
use model::{Digest, Secret};
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const FORMAT: &[u8; 16] = b"casemate code 1\n";
const CONTEXT: &[u8] = b"casemate compiled component 1\0";
const MAC_BYTES: usize = 32;
const HEADER_BYTES: usize = FORMAT.len() + MAC_BYTES;
/// Large enough for the hash to use wide vectors, small enough for a cache.
const CHUNK_BYTES: usize = 256 << 10;
/// Compiled code beyond this is no file of ours; bounds what a damaged directory can cost.
const CODE_BYTES_MAX: u64 = 4 << 30;

/// Why a compiled component was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ShelfError {
    /// It was never written for this engine.
    #[error("the compiled form of {0} is not there")]
    Missing(Digest),
    /// The bytes are not those that were written.
    #[error("the compiled form of {0} is not authentic")]
    NotAuthentic(Digest),
    /// The disk failed.
    #[error("the compiled form of {digest} could not be read or written")]
    Io {
        /// Of which component.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
}

/// The directory's name for an engine.
fn directory(compatibility: [u8; 32]) -> String {
    blake3::Hash::from_bytes(compatibility).to_hex()[..32].to_owned()
}

/// The compiled components of one engine.
pub(crate) struct Shelf {
    dir: PathBuf,
    key: Secret<[u8; 32]>,
    compatibility: [u8; 32],
    writes: AtomicU64,
}

impl Shelf {
    /// Opens the shelf below `root`, and removes what was left there for engines that are not among
    /// `engines`, such as those of another version.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn open(
        root: &Path,
        key: Secret<[u8; 32]>,
        compatibility: [u8; 32],
        engines: &[[u8; 32]],
    ) -> io::Result<Self> {
        let name = directory(compatibility);
        let used: Vec<String> = engines.iter().copied().map(directory).collect();
        let dir = root.join(&name);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        for entry in std::fs::read_dir(root)?.flatten() {
            let other = entry.file_name();
            let other = other.to_string_lossy();
            let ours = other.len() == 32 && other.bytes().all(|b| b.is_ascii_hexdigit());
            if ours && *other != *name && !used.iter().any(|used| *used == *other) {
                tracing::info!(directory = %other, "removing code of another engine version");
                // What stays behind costs space only.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        for entry in std::fs::read_dir(&dir)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(Self { dir, key, compatibility, writes: AtomicU64::new(0) })
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join(format!("{}.cwasm", digest.hex()))
    }

    fn hasher(&self, digest: Digest) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(self.key.expose());
        hasher.update(CONTEXT).update(&self.compatibility).update(&digest.0);
        hasher
    }

    /// Writes the compiled form of `digest`, durably, in the place of any earlier one.
    ///
    /// # Errors
    /// [`ShelfError::Io`]; nothing is left behind.
    pub(crate) fn put(&self, digest: Digest, code: &SealedFile) -> Result<(), ShelfError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let temporary = self.dir.join(format!(".{}-{number}", digest.hex()));
        let written = self.write(&temporary, digest, code);
        if written.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        written.map_err(|source| ShelfError::Io { digest, source })
    }

    fn write(&self, temporary: &Path, digest: Digest, code: &SealedFile) -> io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(temporary)?;
        file.write_all(&[0; HEADER_BYTES])?;
        let mut hasher = self.hasher(digest);
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = 0;
        loop {
            let count = code.file().read_at(&mut chunk, at)?;
            let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
            file.write_all(bytes)?;
            at += bytes.len() as u64;
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(FORMAT)?;
        file.write_all(hasher.finalize().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(temporary, self.path(digest))?;
        File::open(&self.dir)?.sync_all()
    }

    /// Reads the compiled form of `digest` into sealed memory and checks it there.
    ///
    /// # Errors
    /// [`ShelfError`]. A file that is not authentic is moved aside.
    pub(crate) fn read(&self, digest: Digest) -> Result<SealedFile, ShelfError> {
        let path = self.path(digest);
        let io = |source| ShelfError::Io { digest, source };
        let file = match File::options().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ShelfError::Missing(digest));
            }
            Err(error) => return Err(io(error)),
        };
        match self.authenticate(file, digest).map_err(io)? {
            Some(code) => Ok(code),
            None => {
                tracing::error!(
                    code = "E0409",
                    artifact = %digest,
                    "a compiled component is not authentic; it is set aside and not used",
                );
                self.set_aside(digest);
                Err(ShelfError::NotAuthentic(digest))
            }
        }
    }

    /// Removes the compiled forms of all components but these, and says how many went. What cannot
    /// be removed costs space only.
    pub(crate) fn keep_only(&self, components: &BTreeSet<Digest>) -> usize {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return 0 };
        let of = |path: &Path| -> Option<Digest> {
            let hex = path.file_stem()?.to_str()?;
            format!("sha256:{hex}").parse().ok()
        };
        let paths = entries.flatten().map(|entry| entry.path());
        let unused =
            paths.filter(|path| of(path).is_some_and(|digest| !components.contains(&digest)));
        unused.filter(|path| std::fs::remove_file(path).is_ok()).count()
    }

    /// One pass: every chunk is hashed and kept; only then the hash is compared.
    fn authenticate(&self, mut file: File, digest: Digest) -> io::Result<Option<SealedFile>> {
        let mut header = [0; HEADER_BYTES];
        match file.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let (format, mac) = header.split_at(FORMAT.len());
        let Ok(mac) = <[u8; MAC_BYTES]>::try_from(mac) else { return Ok(None) };
        if format != FORMAT || file.metadata()?.len() > CODE_BYTES_MAX {
            return Ok(None);
        }
        let mut code = sealed::create()?;
        let mut hasher = self.hasher(digest);
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut total = 0;
        loop {
            let count = file.read(&mut chunk)?;
            let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            total += bytes.len() as u64;
            if total > CODE_BYTES_MAX {
                return Ok(None);
            }
            hasher.update(bytes);
            code.write_all(bytes)?;
        }
        // `blake3::Hash` compares in constant time.
        if hasher.finalize() != blake3::Hash::from_bytes(mac) {
            return Ok(None);
        }
        SealedFile::seal(code).map(Some)
    }

    /// Moves a file out of use, and keeps one of them for whoever looks into it.
    fn set_aside(&self, digest: Digest) {
        let path = self.path(digest);
        let aside = path.with_extension("refused");
        if std::fs::rename(&path, aside).is_err() {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(dir: &Path, key: u8, compatibility: u8) -> Shelf {
        Shelf::open(dir, Secret::new([key; 32]), [compatibility; 32], &[]).expect("shelf")
    }

    fn code(bytes: &[u8]) -> SealedFile {
        let mut file = sealed::create().expect("file");
        file.write_all(bytes).expect("write");
        SealedFile::seal(file).expect("seal")
    }

    const DIGEST: Digest = Digest([9; 32]);

    #[test]
    fn gives_back_what_was_put() {
        let dir = tempfile::tempdir().expect("dir");
        let shelf = shelf(dir.path(), 1, 1);
        assert!(matches!(shelf.read(DIGEST), Err(ShelfError::Missing(_))));
        let bytes: Vec<u8> = (0..CHUNK_BYTES + 77).map(|n| n as u8).collect();
        shelf.put(DIGEST, &code(&bytes)).expect("put");
        let read = shelf.read(DIGEST).expect("read");
        let mut back = vec![0; read.len().expect("len") as usize];
        read.file().read_exact_at(&mut back, 0).expect("bytes");
        assert_eq!(back, bytes);
    }

    #[test]
    fn refuses_any_changed_byte_a_cut_a_longer_file_and_another_place() {
        let dir = tempfile::tempdir().expect("dir");
        let shelf = shelf(dir.path(), 1, 1);
        shelf.put(DIGEST, &code(b"machine code")).expect("put");
        let whole = std::fs::read(shelf.path(DIGEST)).expect("file");
        let mut wrong: Vec<Vec<u8>> = (0..whole.len())
            .map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                bytes
            })
            .collect();
        wrong.push(whole[..whole.len() - 1].to_vec());
        wrong.push(whole[..10].to_vec());
        wrong.push([whole.as_slice(), b"x"].concat());
        wrong.push(Vec::new());
        for bytes in wrong {
            std::fs::write(shelf.path(DIGEST), bytes).expect("write");
            assert!(matches!(shelf.read(DIGEST), Err(ShelfError::NotAuthentic(_))));
            assert!(matches!(shelf.read(DIGEST), Err(ShelfError::Missing(_))), "set aside");
        }
        let other = Digest([8; 32]);
        std::fs::write(shelf.path(other), &whole).expect("write");
        assert!(matches!(shelf.read(other), Err(ShelfError::NotAuthentic(_))));
    }

    #[test]
    fn keeps_only_what_it_is_told_to() {
        let dir = tempfile::tempdir().expect("dir");
        let shelf = shelf(dir.path(), 1, 1);
        for digest in [DIGEST, Digest([8; 32]), Digest([7; 32])] {
            shelf.put(digest, &code(b"machine code")).expect("put");
        }
        std::fs::write(shelf.dir.join("notes.cwasm"), "not ours").expect("written");
        assert_eq!(shelf.keep_only(&BTreeSet::from([DIGEST])), 2);
        assert!(shelf.read(DIGEST).is_ok() && shelf.dir.join("notes.cwasm").exists());
        assert!(matches!(shelf.read(Digest([8; 32])), Err(ShelfError::Missing(_))));
    }

    #[test]
    fn refuses_the_file_of_another_key_and_removes_that_of_another_engine() {
        let dir = tempfile::tempdir().expect("dir");
        shelf(dir.path(), 1, 1).put(DIGEST, &code(b"machine code")).expect("put");
        let stranger = shelf(dir.path(), 2, 1).read(DIGEST);
        assert!(matches!(stranger, Err(ShelfError::NotAuthentic(_))));
        shelf(dir.path(), 1, 1).put(DIGEST, &code(b"machine code")).expect("put");
        shelf(dir.path(), 1, 2);
        assert!(matches!(shelf(dir.path(), 1, 1).read(DIGEST), Err(ShelfError::Missing(_))));
    }

    #[test]
    fn two_engines_keep_their_code_side_by_side_and_never_take_the_others() {
        let dir = tempfile::tempdir().expect("dir");
        let open = |own: u8| {
            let engines = [[1; 32], [2; 32]];
            Shelf::open(dir.path(), Secret::new([1; 32]), [own; 32], &engines).expect("shelf")
        };
        let (first, second) = (open(1), open(2));
        first.put(DIGEST, &code(b"machine code")).expect("put");
        assert!(matches!(open(2).read(DIGEST), Err(ShelfError::Missing(_))));
        assert!(open(1).read(DIGEST).is_ok(), "the other engine's shelf left it alone");
        std::fs::copy(first.path(DIGEST), second.path(DIGEST)).expect("copy");
        assert!(matches!(second.read(DIGEST), Err(ShelfError::NotAuthentic(_))));
    }
}
