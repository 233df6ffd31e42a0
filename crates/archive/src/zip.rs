//! Zip files, read strictly: an archive has one meaning, or it is refused.
//!
//! Programs that read zip files disagree about those that are broken on purpose: about names that
//! stand twice, about two directories of contents, and about what the local headers say. So all of
//! that has to agree here, and every byte of an entry is an entry's alone.
//!
//! Invariant: nothing is unpacked before names, sizes and places of all entries were found good, and
//! no entry gives more bytes than it announced.

mod entry;
#[cfg(any(test, fuzzing))]
pub mod fuzz;

pub use entry::Entry;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

/// Largest archive.
pub const ARCHIVE_BYTES_MAX: u64 = 512 << 20;
/// Most entries, directories among them.
const ENTRIES_MAX: usize = 40_000;
/// How many times its size an archive may be unpacked, and how much it may be however small it is.
const RATIO_MAX: u64 = 200;
const SMALL: u64 = 16 << 20;

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;

/// Why an archive is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no archive that can be read.
    #[error("{0}")]
    Unreadable(&'static str),
    /// An entry cannot be read.
    #[error("`{name}`: {why}")]
    Damaged {
        /// Its name, as it can be shown.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// An entry may not be.
    #[error("`{name}`: {why}")]
    Entry {
        /// Its name, as it can be shown.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// It holds too much.
    #[error("{0}")]
    TooLarge(String),
}

/// An archive, all of whose entries were found good.
#[derive(Debug)]
pub struct Archive {
    bytes: Arc<[u8]>,
    entries: Vec<Entry>,
}

impl Archive {
    /// Reads the directory of an archive. Directories are not among its entries.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong, and with which entry.
    pub fn read(bytes: Arc<[u8]>, unpacked_max: u64) -> Result<Self, Refusal> {
        let end = End::find(&bytes)?;
        let directory = bytes.get(end.directory..end.at).unwrap_or_default();
        let mut rest = directory;
        let mut entries = Vec::new();
        for _ in 0..end.count {
            let entry = Entry::next(&mut rest)?;
            entries.push(entry.located(&bytes, end.directory)?);
        }
        if !rest.is_empty() {
            return Err(Refusal::Unreadable("its directory has more than its entries"));
        }
        check_places(&mut entries)?;
        check_names(&entries)?;
        entries.retain(|entry| !entry.is_directory);
        check_sizes(&entries, bytes.len() as u64, unpacked_max)?;
        Ok(Self { bytes, entries })
    }

    /// Its files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What a file is called.
    pub fn name(&self, entry: usize) -> &str {
        self.entries.get(entry).map_or("", |entry| &entry.name)
    }

    /// Unpacks a file while it is read. At its end it has the size and the checksum that it
    /// announced, or reading fails.
    ///
    /// # Errors
    /// There is no such entry.
    pub fn open(&self, entry: usize) -> io::Result<Box<dyn Read + '_>> {
        let entry = self.entries.get(entry).ok_or(io::ErrorKind::NotFound)?;
        Ok(entry.open(&self.bytes))
    }
}

/// Where the directory of an archive is.
struct End {
    at: usize,
    directory: usize,
    count: usize,
}

impl End {
    /// Finds the end record: the one place that says of itself that the rest is its comment.
    fn find(bytes: &[u8]) -> Result<Self, Refusal> {
        let from = bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
        let fits = |at: &usize| {
            let comment = bytes.get(at + 20..at + 22).map(u16_of).map(usize::from);
            bytes.get(*at..at + 4) == Some(END)
                && comment.is_some_and(|length| at + END_BYTES + length == bytes.len())
        };
        let mut found = (from..bytes.len().saturating_sub(END_BYTES - 1)).filter(fits);
        let at = found
            .next()
            .ok_or(Refusal::Unreadable("it has no end: it was cut off, or is no zip"))?;
        if found.next().is_some() {
            return Err(Refusal::Unreadable("it has two ends"));
        }
        let record = bytes.get(at..at + END_BYTES).unwrap_or_default();
        let short = |at: usize| record.get(at..at + 2).map_or(0, u16_of);
        let long = |at: usize| record.get(at..at + 4).map_or(0, u32_of);
        let (count, size, directory) = (short(10), long(12), long(16));
        if count == u16::MAX || size == u32::MAX || directory == u32::MAX {
            return Err(Refusal::Unreadable("it is a Zip64 archive, which is for larger ones"));
        }
        if (short(4), short(6)) != (0, 0) || short(8) != count {
            return Err(Refusal::Unreadable("it is one of several parts"));
        }
        let directory = directory as usize;
        if directory.checked_add(size as usize) != Some(at) {
            return Err(Refusal::Unreadable(
                "bytes before it or beside its directory belong to nothing",
            ));
        }
        if usize::from(count) > ENTRIES_MAX {
            return Err(Refusal::TooLarge(format!("it has {count} entries")));
        }
        Ok(Self { at, directory, count: usize::from(count) })
    }
}

/// No byte is two entries': that is how a small archive becomes a large one.
fn check_places(entries: &mut [Entry]) -> Result<(), Refusal> {
    entries.sort_by_key(|entry| entry.whole.start);
    let overlaps = entries.windows(2).find_map(|two| match two {
        [a, b] if a.whole.end > b.whole.start => Some(b),
        _ => None,
    });
    match overlaps {
        Some(entry) => Err(entry.refused("it shares bytes with another entry")),
        None => Ok(()),
    }
}

fn check_names(entries: &[Entry]) -> Result<(), Refusal> {
    // By the name without its case: whether it is a directory.
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    for entry in entries {
        if let Err(why) = model::listing::check_path(&entry.name) {
            return Err(entry.refused(why));
        }
        let plain: String = entry.name.to_lowercase().nfc().collect();
        match seen.insert(plain, entry.is_directory) {
            // Some tools write a directory as often as they come by.
            Some(true) if entry.is_directory => {}
            Some(_) => {
                return Err(
                    entry.refused("another entry has the same name, or differs in case only")
                );
            }
            None => {}
        }
    }
    Ok(())
}

fn check_sizes(entries: &[Entry], packed: u64, most: u64) -> Result<(), Refusal> {
    let files = entries.len();
    if files > model::listing::FILES_MAX {
        return Err(Refusal::TooLarge(format!("it has {files} files")));
    }
    let total = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
    if total > most {
        return Err(Refusal::TooLarge(format!(
            "unpacked it has {total} bytes, and {most} is the most"
        )));
    }
    if total > SMALL && total / RATIO_MAX > packed {
        let why = format!("{packed} bytes become {total}, which no honest package does");
        return Err(Refusal::TooLarge(why));
    }
    Ok(())
}

fn u16_of(bytes: &[u8]) -> u16 {
    bytes.first_chunk().map_or(0, |two| u16::from_le_bytes(*two))
}

fn u32_of(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests;
