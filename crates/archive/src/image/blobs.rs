//! What an image is made of, by name: files below a directory, or entries of a tar file.

use super::part::Part;
use super::tar::{Kind, Tar};
use super::{Refusal, unreadable};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Most entries of a tar file that is an image.
const ENTRIES_MAX: usize = 20_000;
/// Largest of the documents that describe an image.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;

/// Where an image lies.
pub(super) enum Blobs {
    Directory(PathBuf),
    Tar { file: File, entries: BTreeMap<String, Place> },
}

/// What is read, and how many bytes it has.
pub(super) type Blob<'a> = (Box<dyn Read + 'a>, u64);

/// Where an entry of a tar file is.
pub(super) enum Place {
    At(u64, u64),
    /// Another name: `docker save` once wrote layers twice in this way.
    Named(String),
}

impl Blobs {
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let failed = |error: io::Error| unreadable(error.to_string());
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(unreadable("it is neither a directory nor a tar file"));
        }
        let file = File::open(path).map_err(failed)?;
        let mut start = [0; 4];
        let read = file.read_at(&mut start, 0).map_err(failed)?;
        if read >= 2 && start.starts_with(&[0x1f, 0x8b]) {
            return Err(unreadable("it is packed as a whole: unpack it with `gunzip` before"));
        }
        let entries = entries(&file)?;
        Ok(Self::Tar { file, entries })
    }

    /// What is under a name, and its size; nothing if there is no such thing.
    pub(super) fn get(&self, name: &str) -> Result<Option<Blob<'_>>, Refusal> {
        match self {
            Self::Directory(directory) => below(directory, name),
            Self::Tar { file, entries } => {
                let place = match entries.get(name) {
                    Some(Place::Named(other)) => entries.get(other),
                    place => place,
                };
                let Some(Place::At(at, size)) = place else { return Ok(None) };
                Ok(Some((Box::new(Part::new(file, *at, *size)), *size)))
            }
        }
    }

    /// All of a document, if there is one.
    pub(super) fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let Some((reader, size)) = self.get(name)? else { return Ok(None) };
        if size > DOCUMENT_BYTES_MAX {
            let most = DOCUMENT_BYTES_MAX >> 20;
            return Err(Refusal::TooLarge(format!("`{name}` is larger than {most} MiB")));
        }
        let mut bytes = Vec::new();
        let read = reader.take(size).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(format!("{name}: {error}")))?;
        if bytes.len() as u64 != size {
            return Err(unreadable(format!("`{name}` was cut off")));
        }
        Ok(Some(bytes))
    }
}

/// A file below a directory. Its name comes out of a document of the image's: what leads out of the
/// directory, be it by way of a link, is nothing of the image.
fn below(directory: &Path, name: &str) -> Result<Option<Blob<'static>>, Refusal> {
    let shown = name.chars().take(200).flat_map(char::escape_debug).collect::<String>();
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(unreadable(format!(
            "it names `{shown}`, which leads out of it, or is no name"
        )));
    }
    let mut path = directory.to_owned();
    let mut found = None;
    for part in name.split('/') {
        path.push(part);
        match path.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => {
                let why = "is a link, or is reached by one: put what is meant in its place";
                return Err(unreadable(format!("`{shown}` {why}")));
            }
            Ok(meta) => found = Some(meta),
            Err(_) => return Ok(None),
        }
    }
    let Some(meta) = found.filter(Metadata::is_file) else {
        return Err(unreadable(format!("`{shown}` is no file")));
    };
    let file = File::open(&path).map_err(|error| unreadable(format!("{shown}: {error}")))?;
    Ok(Some((Box::new(file), meta.len())))
}

/// Looks through a tar file once.
fn entries(file: &File) -> Result<BTreeMap<String, Place>, Refusal> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => unreadable("it was cut off, or is no tar file"),
        _ => unreadable(error.to_string()),
    };
    let size = file.metadata().map_err(failed)?.len();
    let mut tar = Tar::new(BufReader::with_capacity(1 << 16, Part::new(file, 0, size)));
    let mut entries = BTreeMap::new();
    while let Some(entry) = tar.next().map_err(failed)? {
        let Ok(name) = String::from_utf8(entry.name) else { continue };
        let name = name.trim_start_matches("./").to_owned();
        let place = match entry.kind {
            Kind::File => Place::At(tar.at(), entry.size),
            Kind::Hard | Kind::Symbolic => {
                let target = String::from_utf8_lossy(&entry.target);
                Place::Named(beside(&name, &target, entry.kind == Kind::Hard))
            }
            _ => continue,
        };
        entries.insert(name, place);
        if entries.len() > ENTRIES_MAX {
            return Err(Refusal::TooLarge(format!("it has more than {ENTRIES_MAX} entries")));
        }
    }
    Ok(entries)
}

/// The name that a link in a tar file means.
fn beside(name: &str, target: &str, from_root: bool) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    if from_root {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
