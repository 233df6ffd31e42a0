//! The ledger on this machine: its files, wherever they come from, and their verification.
//!
//! Invariant: the only module that speaks to `audit`. Nothing that the node says about its ledger
//! is believed; what is verified is what the files hold.

use audit::VerifierKey;
use model::{Code, Problem};
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// A file of the ledger: its path in the C2SP tlog-tiles layout, and what is in it.
pub(crate) type LedgerFile = (String, Vec<u8>);

/// The file that holds the key which checkpoints are signed with.
const KEY_FILE: &str = "verifier-key";
/// Largest single file: an entry bundle of 256 leaves is at most 16 MiB, with room.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Largest ledger that is read.
const LEDGER_BYTES_MAX: u64 = 8 << 30;

/// What verification established.
pub(crate) struct Verified {
    /// How many entries there are.
    pub(crate) size: u64,
    /// The root over them, hexadecimal.
    pub(crate) root: String,
    /// The newest checkpoint.
    pub(crate) checkpoint: Option<String>,
    /// The size of the kept checkpoint that the ledger continues.
    pub(crate) since: Option<u64>,
    /// The key that all checkpoints are signed with.
    pub(crate) key: String,
}

/// Verifies a ledger: every leaf, tile and checkpoint, and that it continues a kept checkpoint.
/// Signatures are checked with `key`, or, if none is given, with the key that lies beside them.
///
/// # Errors
/// E1201 to E1204: the first thing that is wrong, by name.
pub(crate) fn verify(
    files: Vec<LedgerFile>,
    key: Option<&str>,
    since: Option<&str>,
) -> Result<Verified, Problem> {
    let (own, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, _)| path == KEY_FILE);
    let found =
        own.into_iter().next().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned());
    let text = key.or(found.as_deref()).ok_or_else(|| {
        Problem::new(Code::CheckpointInvalid)
            .detail(format!("there is no `{KEY_FILE}` beside the ledger"))
            .hint("name the key that you kept with `--key`")
    })?;
    let key: VerifierKey = text.trim().parse().map_err(|error| {
        Problem::new(Code::CheckpointInvalid).detail(format!("the verifier key: {error}"))
    })?;
    let log = audit::import(files)?;
    let verified = audit::verify(&log, &key, since)?;
    Ok(Verified {
        size: verified.size,
        root: hex::encode(verified.root),
        checkpoint: verified.checkpoint,
        since: verified.since,
        key: key.to_string(),
    })
}

/// The files in a tar, as the node exports them.
///
/// # Errors
/// E1202 if an entry is no plain file with a harmless relative path, or the tar is cut.
pub(crate) fn from_tar(tar: impl Read) -> Result<Vec<LedgerFile>, Problem> {
    let mut archive = tar::Archive::new(tar);
    let mut files = Vec::new();
    let mut left = LEDGER_BYTES_MAX;
    for entry in archive.entries().map_err(|error| cut(&error))? {
        let mut entry = entry.map_err(|error| cut(&error))?;
        let path = entry.path().map_err(|error| cut(&error))?;
        let path = plain_path(&path)
            .filter(|_| entry.header().entry_type().is_file())
            .ok_or_else(|| refused(&String::from_utf8_lossy(&entry.path_bytes())))?;
        let size = entry.size();
        if size > FILE_BYTES_MAX || size > left {
            return Err(refused(&path));
        }
        left -= size;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|error| cut(&error))?;
        files.push((path, bytes));
    }
    Ok(files)
}

fn cut(error: &std::io::Error) -> Problem {
    Problem::new(Code::TileAltered).detail("the export cannot be read").internal(error)
}

fn refused(path: &str) -> Problem {
    Problem::new(Code::TileAltered)
        .detail(format!("the export holds `{path}`, which no ledger has"))
}

/// The path with `/`, if it has none but ordinary steps.
fn plain_path(path: &Path) -> Option<String> {
    let mut steps = Vec::new();
    for step in path.components() {
        let Component::Normal(step) = step else { return None };
        steps.push(step.to_str()?);
    }
    (!steps.is_empty()).then(|| steps.join("/"))
}

/// The files of a directory that an export was unpacked into.
///
/// # Errors
/// The directory or a file of it cannot be read, or is not of a ledger's size.
pub(crate) fn from_directory(directory: &Path) -> anyhow::Result<Vec<LedgerFile>> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    let mut left = LEDGER_BYTES_MAX;
    while let Some(current) = open.pop() {
        for entry in fs::read_dir(&current).map_err(|error| unreadable(&current, error))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                files.push(file(directory, &entry.path(), &mut left)?);
            }
        }
    }
    Ok(files)
}

fn file(root: &Path, path: &Path, left: &mut u64) -> anyhow::Result<LedgerFile> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX && size <= *left,
        "`{}` is larger than any ledger's file",
        path.display()
    );
    *left -= size;
    let name = path.strip_prefix(root).ok().and_then(plain_path);
    let name = name.ok_or_else(|| anyhow::anyhow!("`{}` has a strange name", path.display()))?;
    Ok((name, fs::read(path).map_err(|error| unreadable(path, error))?))
}

fn unreadable(path: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot read `{}`", path.display()))
}

/// Writes files below a directory that is new or empty.
///
/// # Errors
/// The directory holds something already, or cannot be written.
pub(crate) fn to_directory(files: &[LedgerFile], directory: &Path) -> anyhow::Result<()> {
    let shown = directory.display();
    fs::create_dir_all(directory).map_err(|error| unwritable(directory, error))?;
    let mut there = fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    anyhow::ensure!(there.next().is_none(), "`{shown}` is not empty: name a new directory");
    for (name, bytes) in files {
        let path: PathBuf = directory.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| unwritable(parent, error))?;
        }
        fs::write(&path, bytes).map_err(|error| unwritable(&path, error))?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(path: &str, kind: tar::EntryType) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        // Written directly: the builder itself refuses the paths that a hostile tar would have.
        let name = path.as_bytes();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(2);
        header.set_mode(0o644);
        header.set_cksum();
        let mut tar = header.as_bytes().to_vec();
        tar.extend_from_slice(b"ok");
        tar.resize(2048, 0);
        tar
    }

    #[test]
    fn a_hostile_export_is_refused() {
        let regular = tar::EntryType::Regular;
        let read = |path, kind| from_tar(tar_of(path, kind).as_slice());
        let good = read("tile/0/000", regular).expect("a plain file");
        assert_eq!(good, [("tile/0/000".to_owned(), b"ok".to_vec())]);
        for bad in ["../x", "/etc/passwd", "a/../../b"] {
            assert!(read(bad, regular).is_err(), "{bad}");
        }
        assert!(read("link", tar::EntryType::Symlink).is_err());
        assert!(from_tar(&tar_of("a", regular)[..513]).is_err(), "cut");
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("new/ledger");
        let files = vec![
            ("checkpoint".to_owned(), b"c".to_vec()),
            ("tile/0/000.p/1".to_owned(), vec![0; 32]),
        ];
        to_directory(&files, &directory).expect("an empty place");
        let mut back = from_directory(&directory).expect("our own files");
        back.sort();
        assert_eq!(back, files);
        assert!(to_directory(&files, &directory).is_err(), "never over something else");
    }

    #[test]
    fn a_ledger_without_a_key_is_not_believed() {
        let problem = verify(Vec::new(), None, None).err().expect("no key");
        assert_eq!(problem.code, Code::CheckpointInvalid);
        let problem = verify(Vec::new(), Some("nonsense"), None).err().expect("no key");
        assert_eq!(problem.code, Code::CheckpointInvalid);
    }
}
