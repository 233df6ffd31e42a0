//! What an image is made of, by name: files below a directory, or entries of a tar file.

use super::tar::{Kind, Tar};
use super::{Refusal, unreadable};
use std::collections::BTreeMap;
use std::fs::File;
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
            Self::Directory(directory) => {
                let path = directory.join(name);
                match path.metadata() {
                    Ok(meta) if meta.is_file() => {
                        let file = File::open(&path);
                        let file = file.map_err(|error| unreadable(format!("{name}: {error}")))?;
                        Ok(Some((Box::new(file), meta.len())))
                    }
                    Ok(_) => Err(unreadable(format!("`{name}` is no file"))),
                    Err(_) => Ok(None),
                }
            }
            Self::Tar { file, entries } => {
                let place = match entries.get(name) {
                    Some(Place::Named(other)) => entries.get(other),
                    place => place,
                };
                let Some(Place::At(at, size)) = place else { return Ok(None) };
                Ok(Some((Box::new(Part { file, at: *at, rest: *size }), *size)))
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

/// Looks through a tar file once.
fn entries(file: &File) -> Result<BTreeMap<String, Place>, Refusal> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => unreadable("it was cut off, or is no tar file"),
        _ => unreadable(error.to_string()),
    };
    let size = file.metadata().map_err(failed)?.len();
    let mut tar = Tar::new(BufReader::with_capacity(1 << 16, Part { file, at: 0, rest: size }));
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

/// A part of a file.
struct Part<'a> {
    file: &'a File,
    at: u64,
    rest: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += count as u64;
        self.rest -= count as u64;
        Ok(count)
    }
}
