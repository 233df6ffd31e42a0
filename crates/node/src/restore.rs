//! From a backup to a home.
//!
//! Invariant: the home appears as a whole or not at all; nothing in the archive chooses a place
//! outside it; and what does not have the announced size and digest is refused.

#[cfg(test)]
mod fuzz;

use crate::backup::{CONTENTS, Contents, FORMAT, Item};
use crate::home;
use crate::keyring::passphrase;
use keys::RootKeyFile;
use model::{Code, Digest, Problem};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path};

/// Tells the next start that the home was restored, and from what.
pub(crate) const MARKER: &str = "restored";
/// Most bytes of the list of contents.
const CONTENTS_BYTES_MAX: u64 = 64 << 20;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Components.
    pub components: usize,
    /// All files.
    pub files: usize,
    /// Whether the backup held the root key.
    pub root_key: bool,
}

/// Restores a backup into `home`, which must be missing or empty.
///
/// # Errors
/// `E0507` if it is no complete backup, `E0508` if the home is in use, `E11xx` if the root key
/// named does not open.
pub fn restore(
    backup: &mut dyn Read,
    home: &Path,
    root_key_file: Option<&Path>,
) -> Result<Restored, Problem> {
    if let Some(path) = root_key_file {
        RootKeyFile::open(path, passphrase(None)?.as_ref()).map_err(|error| error.problem())?;
    }
    let occupied = std::fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || home.is_file() {
        return Err(Problem::new(Code::RestoreTarget).detail(home.display()));
    }
    let parent =
        home.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|error| home::bad(parent, error))?;
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    let work = parent.join(format!(".{name}.restoring-{:016x}", fastrand::u64(..)));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&work)
        .map_err(|error| home::bad(&work, error))?;
    let unpacked = unpack(backup, &work).and_then(|restored| {
        if home.exists() {
            std::fs::remove_dir(home).map_err(|error| home::bad(home, error))?;
        }
        std::fs::rename(&work, home).map_err(|error| home::bad(home, error))?;
        Ok(restored)
    });
    if unpacked.is_err() {
        let _nothing_to_lose = std::fs::remove_dir_all(&work);
    }
    unpacked
}

fn invalid(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BackupInvalid).detail(why)
}

fn unpack(backup: &mut dyn Read, work: &Path) -> Result<Restored, Problem> {
    let mut archive = tar::Archive::new(backup);
    let mut entries = archive.entries().map_err(invalid)?;
    let first = entries.next().ok_or_else(|| invalid("it is empty"))?.map_err(invalid)?;
    let (contents, fingerprint) = contents(first)?;
    let mut missing: BTreeMap<String, Item> =
        contents.files.into_iter().map(|item| (item.path.clone(), item)).collect();
    let mut restored =
        Restored { components: 0, files: 0, root_key: missing.contains_key("root.key") };
    for entry in entries {
        let entry = entry.map_err(invalid)?;
        let path = entry.path().map_err(invalid)?.to_string_lossy().into_owned();
        let item = missing.remove(&path).ok_or_else(|| {
            invalid(format!("`{}` is not in its list of contents", path.escape_debug()))
        })?;
        if !entry.header().entry_type().is_file() || !belongs(&path) {
            return Err(invalid(format!("`{}` has no place in a home", path.escape_debug())));
        }
        write(entry, &work.join(&path), &item)?;
        restored.files += 1;
        restored.components += usize::from(path.starts_with("artifacts/"));
    }
    if let Some(path) = missing.keys().next() {
        return Err(invalid(format!("`{}` is missing: it was cut", path.escape_debug())));
    }
    home::write_once(&work.join(MARKER), format!("{fingerprint}\n").as_bytes())?;
    Ok(restored)
}

/// The list of contents, and its own digest, which stands for the whole backup.
fn contents(entry: impl Read + EntryPath) -> Result<(Contents, Digest), Problem> {
    if entry.name().as_deref() != Some(CONTENTS) {
        return Err(invalid("it does not begin with a list of contents"));
    }
    let mut text = Vec::new();
    entry.take(CONTENTS_BYTES_MAX).read_to_end(&mut text).map_err(invalid)?;
    let contents: Contents = serde_json::from_slice(&text).map_err(invalid)?;
    if contents.format != FORMAT {
        return Err(invalid(format!(
            "its format is {}, this build reads {FORMAT}",
            contents.format
        )));
    }
    Ok((contents, audit::digest(&text)))
}

/// The name of a tar entry.
trait EntryPath {
    fn name(&self) -> Option<String>;
}

impl<R: Read> EntryPath for tar::Entry<'_, R> {
    fn name(&self) -> Option<String> {
        Some(self.path().ok()?.to_string_lossy().into_owned())
    }
}

/// Whether a path of a backup is one that a backup of ours has.
fn belongs(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let known = path == "registry.db"
        || path == store_sqlite::queue::FILE
        || path == store_sqlite::salts::FILE
        || path == "root.key"
        || path.starts_with("artifacts/")
        || path.starts_with("journal/")
        || is_key_value(path)
        || store_sqlite::blobs::belongs(path)
        || path.starts_with("tls/") && path.ends_with(".sealed");
    plain && known
}

/// Whether it is the file of a tenant's key-value stores.
fn is_key_value(path: &str) -> bool {
    let tenant = path.strip_prefix("kv/").and_then(|name| name.strip_suffix(".db"));
    tenant.is_some_and(|name| model::TenantName::parse(name).is_ok())
}

fn write(mut entry: impl Read, path: &Path, item: &Item) -> Result<(), Problem> {
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| misplaced(dir, item, error))?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| misplaced(path, item, error))?;
    let mut hasher = audit::Hasher::new();
    let mut buffer = vec![0; 256 << 10];
    let mut seen = 0u64;
    loop {
        let count = entry.read(&mut buffer).map_err(invalid)?;
        if count == 0 {
            break;
        }
        let piece = buffer.get(..count).unwrap_or_default();
        seen = seen.saturating_add(count as u64);
        hasher.update(piece);
        file.write_all(piece).map_err(|error| home::bad(path, error))?;
    }
    if seen != item.bytes || hasher.finish() != item.sha256 {
        return Err(invalid(format!("`{}` is not what its list of contents says", item.path)));
    }
    file.sync_all().map_err(|error| home::bad(path, error))
}

/// Why a place in a fresh directory cannot be made: the archive's own names may be at fault.
fn misplaced(path: &Path, item: &Item, error: std::io::Error) -> Problem {
    use std::io::ErrorKind::{AlreadyExists, InvalidFilename, IsADirectory, NotADirectory};
    match error.kind() {
        AlreadyExists | InvalidFilename | IsADirectory | NotADirectory => {
            invalid(format!("`{}` has no place in a home: {error}", item.path.escape_debug()))
        }
        _ => home::bad(path, error),
    }
}
