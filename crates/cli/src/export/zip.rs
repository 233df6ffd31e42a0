//! A zip file of a package: names in their order, one time for all, programs as programs.

use flate2::{Compression, write::DeflateEncoder};
use std::io::{self, Write as _};

/// 1 January 1980, the first day that a zip file knows.
const DAY: u16 = 0x21;
/// Made on Unix, by version 2.0 of the format.
const MADE_BY: u16 = 0x0314;
const NEEDED: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const DEFLATED: u16 = 8;

/// A zip file that is being made.
#[derive(Default)]
pub(super) struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    /// Adds a file.
    ///
    /// # Errors
    /// The archive would be larger than a zip file without extensions can be.
    pub(super) fn add(&mut self, name: &str, executable: bool, content: &[u8]) -> io::Result<()> {
        let too_large = |_| io::Error::other("the package is too large for a zip file");
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let offset = u32::try_from(self.bytes.len()).map_err(too_large)?;
        let mut common = Vec::new();
        for number in [NEEDED, FLAGS, DEFLATED, 0, DAY] {
            common.extend(number.to_le_bytes());
        }
        common.extend(crc32fast::hash(content).to_le_bytes());
        for length in [packed.len(), content.len()] {
            common.extend(u32::try_from(length).map_err(too_large)?.to_le_bytes());
        }
        common.extend(u16::try_from(name.len()).map_err(too_large)?.to_le_bytes());
        common.extend([0, 0]);
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);

        let mode: u32 = if executable { 0o100_755 } else { 0o100_644 };
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&common);
        self.directory.extend([0; 6]);
        self.directory.extend((mode << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count =
            self.count.checked_add(1).ok_or_else(|| io::Error::other("it has too many files"))?;
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        let too_large = |_| io::Error::other("the package is too large for a zip file");
        let start = u32::try_from(self.bytes.len()).map_err(too_large)?;
        let length = u32::try_from(self.directory.len()).map_err(too_large)?;
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0, 0]);
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn our_own_strict_reader_takes_it() {
        let mut zip = Zip::default();
        let files = [
            ("a/run", true, "#!/bin/sh\n".repeat(100)),
            ("b", false, String::new()),
            ("ä", false, "x".to_owned()),
        ];
        for (name, executable, content) in &files {
            zip.add(name, *executable, content.as_bytes()).expect("added");
        }
        let bytes = zip.finish().expect("made");
        let archive = archive::zip::Archive::read(bytes.into(), 1 << 20).expect("a zip file");
        for (at, (name, executable, content)) in files.iter().enumerate() {
            let entry = &archive.entries()[at];
            assert_eq!((entry.name.as_str(), entry.executable), (*name, Some(*executable)));
            let mut text = String::new();
            archive.open(at).expect("open").read_to_string(&mut text).expect("text");
            assert_eq!(text, *content);
        }
    }
}
