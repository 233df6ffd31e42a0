//! What the fuzzer and the tests call: the bytes of an archive.

use super::Archive;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Component, Path};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Most bytes that are unpacked here.
const UNPACKED_MAX: u64 = 1 << 20;

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// A package in a zip file. A name stays below the package and is one file's; what is unpacked has
/// the size and the checksum that were announced, and altogether no more than was allowed; with a
/// byte behind it, the archive is none.
///
/// # Errors
/// The promise that was broken.
pub fn zip(bytes: &[u8]) -> Outcome {
    let Ok(archive) = Archive::read(bytes.into(), UNPACKED_MAX) else { return Ok(()) };
    let (mut names, mut total) = (BTreeSet::new(), 0);
    for (at, entry) in archive.entries().iter().enumerate() {
        let name = &entry.name;
        let below = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        hold(below && !name.is_empty(), format_args!("{name:?} does not stay below"))?;
        hold(names.insert(name.to_lowercase()), format_args!("{name:?} stands twice"))?;
        let mut unpacked = Vec::new();
        let read = archive.open(at).and_then(|mut file| file.read_to_end(&mut unpacked));
        let size = unpacked.len() as u64;
        hold(size <= entry.size, format_args!("{name:?} has more than it announced"))?;
        if read.is_ok() {
            let sum = crc32fast::hash(&unpacked);
            hold(size == entry.size && entry.is(sum), format_args!("{name:?} is not what it was"))?;
        }
        total += size;
    }
    hold(total <= UNPACKED_MAX, "more was unpacked than was allowed")?;
    let behind: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    hold(Archive::read(behind.into(), UNPACKED_MAX).is_err(), "what is behind it was not seen")
}

#[cfg(test)]
mod tests {
    #[test]
    fn zip() {
        fuzzing::run("zip", 3000, super::zip);
    }
}
