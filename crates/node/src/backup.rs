//! Backups: one tar file that holds the registry with its ledger, the components, the key-value
//! stores, the blobs, the calls that wait, the flight records, certificates, and, if asked for, the
//! root key and the salts of subjects whose values can be erased.
//!
//! The first entry is [`CONTENTS`], which lists every other with its size and SHA-256, so that a
//! file that was cut or changed is not taken for a backup.
//!
//! Invariant: a backup is made from files that do not change any more: copies of the registry,
//! the queue and key-value files, components, journal segments up to the length they had, and sealed
//! files that are replaced as a whole.
//! Invariant: the registry is copied before key-value files and blobs. It knows how far each had
//! come, and one that is older than that is not opened after a restore.

use control::{Pieces, With};
use engine::Engine;
use model::{Code, Digest, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The entry that lists the others.
pub(crate) const CONTENTS: &str = "casemate-backup.json";
/// The backup format that this build writes.
pub(crate) const FORMAT: u32 = 1;
/// Where backups are made, in the home. Copies from before a migration lie there too.
const DIRECTORY: &str = "backups";
/// What work directories begin with.
const MAKING: &str = "making-";
/// Where components and files of applications lie, in the home.
const ARTIFACTS: &str = "artifacts/";
/// Where blobs lie, in the home.
const BLOBS: &str = "blobs/";
/// What journal segments end in; indexes are made again from them.
const SEGMENT: &str = "seg";
/// What certificates, keys and accounts end in that the node made or obtained. They are sealed, so
/// without the root key they are of no use.
const SEALED: &str = "sealed";
/// Bytes that are read and sent at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What a backup says that it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contents {
    pub(crate) format: u32,
    pub(crate) version: String,
    pub(crate) created: Timestamp,
    pub(crate) files: Vec<Item>,
}

/// One file of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Digest,
}

/// What a backup is made from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) home: PathBuf,
    pub(crate) root_key_file: PathBuf,
    pub(crate) created: Timestamp,
}

fn failed(what: &Path, error: std::io::Error) -> Problem {
    crate::home::bad(what, error)
}

/// Removes what a crash left of backups that were being made: they may hold the root key.
pub(crate) fn sweep(home: &Path) -> Result<(), Problem> {
    let directory = home.join(DIRECTORY);
    let entries = match std::fs::read_dir(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| failed(&directory, error))?,
    };
    for entry in entries {
        let path = entry.map_err(|error| failed(&directory, error))?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(MAKING.as_bytes()) {
            std::fs::remove_dir_all(&path).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(())
}

/// Makes a backup in an unlinked file of the home and gives back its pieces.
pub(crate) async fn make(
    engine: &Arc<Engine>,
    stores: (&Arc<store_sqlite::Blobs>, &store_sqlite::Salts),
    source: Source,
    with: With,
) -> Result<Pieces, Problem> {
    let work = source.home.join(DIRECTORY).join(format!("{MAKING}{:016x}", fastrand::u64(..)));
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700).create(&work).map_err(|error| failed(&work, error))?;
    let made = make_in(engine, stores, source, with, &work).await;
    if let Err(error) = std::fs::remove_dir_all(&work) {
        tracing::warn!(%error, dir = %work.display(), "a backup's work directory could not be removed");
    }
    made.map(pieces)
}

async fn make_in(
    engine: &Arc<Engine>,
    (blobs, salts): (&Arc<store_sqlite::Blobs>, &store_sqlite::Salts),
    source: Source,
    with: With,
    work: &Path,
) -> Result<File, Problem> {
    let registry = work.join("registry.db");
    let artifacts = engine.backup_registry(registry.clone()).await?;
    let mut list: Vec<Part> = vec![("registry.db".to_owned(), registry, Extent::Whole)];
    let queue = work.join(store_sqlite::queue::FILE);
    engine.backup_queue(queue.clone()).await?;
    list.push((store_sqlite::queue::FILE.to_owned(), queue, Extent::Whole));
    for digest in artifacts {
        let hex = digest.hex();
        let path = format!("{ARTIFACTS}sha256/{}/{hex}", hex.get(..2).unwrap_or_default());
        list.push((path.clone(), source.home.join(path), Extent::Whole));
    }
    let (home, target) = (source.home.clone(), work.to_owned());
    let (blobs, salts) = (Arc::clone(blobs), with.salts.then(|| salts.clone()));
    let copy = move || {
        let mut copies = store_sqlite::kv::copy_all(&home, &target)?;
        copies.extend(blobs.snapshot(&target)?);
        // After the stores: what a copy of them holds has its salt.
        if let Some(salts) = salts {
            let file = target.join(store_sqlite::salts::FILE);
            salts.copy(&file)?;
            copies.push((store_sqlite::salts::FILE.to_owned(), file));
        }
        Ok::<_, store_sqlite::Error>(copies)
    };
    let copies = tokio::task::spawn_blocking(copy)
        .await
        .map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let copies = copies.map_err(Problem::from)?;
    list.extend(copies.into_iter().map(|(path, copy)| (path, copy, Extent::Whole)));
    for (name, ending) in [("journal", SEGMENT), ("tls", SEALED)] {
        collect(&source.home, Path::new(name), ending, &mut list)
            .map_err(|error| failed(&source.home.join(name), error))?;
    }
    if with.root_key {
        list.push(("root.key".to_owned(), source.root_key_file.clone(), Extent::Whole));
    }
    let archive = work.join("backup.tar");
    let write = move || write_archive(&archive, source.created, &list);
    tokio::task::spawn_blocking(write)
        .await
        .map_err(|error| Problem::new(Code::Internal).internal(error))?
}

/// A file of a backup: its name there, where it lies, and how much of it is taken.
type Part = (String, PathBuf, Extent);

/// How much of a file is taken.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// All of it; it is there.
    Whole,
    /// All of it, if it is still there. It is replaced as a whole, never written to.
    IfThere,
    /// The length that it had, if it is still there: it may have grown, or been evicted.
    UpTo(u64),
}

/// Files below `dir` with this ending; none if it is not there.
fn collect(home: &Path, dir: &Path, ending: &str, list: &mut Vec<Part>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(home.join(dir)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = dir.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(home, &path, ending, list)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == ending) {
            let extent = match ending {
                SEGMENT => Extent::UpTo(entry.metadata()?.len()),
                _ => Extent::IfThere,
            };
            list.push((path.display().to_string(), home.join(&path), extent));
        }
    }
    Ok(())
}

fn write_archive(path: &Path, created: Timestamp, list: &[Part]) -> Result<File, Problem> {
    let mut items = Vec::new();
    for (name, file, extent) in list {
        // A segment may be evicted meanwhile: then it is not part of the backup.
        let opened = match (File::open(file), extent) {
            (Ok(opened), _) => opened,
            (Err(error), Extent::IfThere | Extent::UpTo(_))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                continue;
            }
            (Err(error), _) => return Err(failed(file, error)),
        };
        let length = match extent {
            Extent::UpTo(length) => *length,
            Extent::Whole | Extent::IfThere => {
                opened.metadata().map_err(|error| failed(file, error))?.len()
            }
        };
        let sha256 = digest(&opened, length).map_err(|error| failed(file, error))?;
        // There may be more artifacts and blobs than descriptors; what lies under a digest never
        // changes, and a blob is a link of the backup's own.
        let many = name.starts_with(ARTIFACTS) || name.starts_with(BLOBS);
        let held = (!many).then_some(opened);
        items.push((Item { path: name.clone(), bytes: length, sha256 }, file, held));
    }
    let files = items.iter().map(|(item, ..)| item.clone()).collect();
    let contents =
        Contents { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), created, files };
    let text = serde_json::to_vec_pretty(&contents)
        .map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let written = (|| {
        let archive =
            File::options().create_new(true).read(true).write(true).mode(0o600).open(path)?;
        let mut builder = tar::Builder::new(archive);
        append(&mut builder, CONTENTS, text.len() as u64, text.as_slice())?;
        for (item, path, held) in items {
            let mut file = held.map_or_else(|| File::open(path), Ok)?;
            file.seek(SeekFrom::Start(0))?;
            append(&mut builder, &item.path, item.bytes, file.take(item.bytes))?;
        }
        let mut archive = builder.into_inner()?;
        archive.flush()?;
        archive.seek(SeekFrom::Start(0))?;
        Ok(archive)
    })();
    written.map_err(|error| failed(path, error))
}

fn append(
    builder: &mut tar::Builder<File>,
    path: &str,
    bytes: u64,
    reader: impl Read,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    builder.append_data(&mut header, path, reader)
}

/// SHA-256 of the first `length` bytes.
pub(crate) fn digest(file: impl Read, length: u64) -> std::io::Result<Digest> {
    let mut context = audit::Hasher::new();
    let mut left = file.take(length);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut seen = 0;
    loop {
        let count = left.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        seen += count as u64;
        context.update(buffer.get(..count).unwrap_or_default());
    }
    if seen < length {
        return Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "the file became shorter",
        ));
    }
    Ok(context.finish())
}

/// The file, piece by piece. It is unlinked already and goes away with its last reader.
fn pieces(file: File) -> Pieces {
    let file = tokio::fs::File::from_std(file);
    Box::pin(futures_util::stream::unfold(file, |mut file| async move {
        use tokio::io::AsyncReadExt;
        let mut buffer = bytes::BytesMut::with_capacity(PIECE_BYTES);
        match file.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.freeze()), file)),
            Err(error) => Some((Err(error), file)),
        }
    }))
}
