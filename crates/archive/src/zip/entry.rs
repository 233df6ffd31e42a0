//! One entry of an archive: what its directory says, what its own header says, and its bytes.

use super::{Refusal, u16_of, u32_of};
use flate2::bufread::DeflateDecoder;
use std::io::{self, Read};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;

const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const SIZES_FOLLOW: u16 = 1 << 3;
const PATCHED: u16 = 1 << 5;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// What a file's mode says that it is.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// An entry.
#[derive(Debug)]
pub struct Entry {
    /// Its path in the package, without the slash of a directory.
    pub name: String,
    pub is_directory: bool,
    /// Whether it may be executed; none if the archive does not say.
    pub executable: Option<bool>,
    /// Its bytes, unpacked.
    pub size: u64,
    method: u16,
    checksum: u32,
    packed: u32,
    offset: u32,
    flags: u16,
    /// Its name as it was written.
    raw: Vec<u8>,
    /// The bytes that are packed.
    data: Range<usize>,
    /// With its header.
    pub(super) whole: Range<usize>,
}

impl Entry {
    /// Takes the next entry of a directory.
    pub(super) fn next(rest: &mut &[u8]) -> Result<Self, Refusal> {
        let cut = || Refusal::Unreadable("its directory is damaged");
        let head = rest.get(..CENTRAL_BYTES).filter(|head| head.starts_with(CENTRAL));
        let head = head.ok_or_else(cut)?;
        let short = |at: usize| head.get(at..at + 2).map_or(0, u16_of);
        let long = |at: usize| head.get(at..at + 4).map_or(0, u32_of);
        let (name, extra, comment) = (short(28), short(30), short(32));
        let name_end = CENTRAL_BYTES + usize::from(name);
        let raw = rest.get(CENTRAL_BYTES..name_end).ok_or_else(cut)?.to_vec();
        let end = name_end + usize::from(extra) + usize::from(comment);
        let mode = long(38) >> 16;
        let (mut entry, disk) = (
            Self {
                name: String::new(),
                is_directory: raw.ends_with(b"/"),
                executable: (mode != 0).then_some(mode & 0o111 != 0),
                size: u64::from(long(24)),
                method: short(10),
                checksum: long(16),
                packed: long(20),
                offset: long(42),
                flags: short(8),
                raw,
                data: 0..0,
                whole: 0..0,
            },
            short(34),
        );
        *rest = rest.get(end..).ok_or_else(cut)?;
        entry.name()?;
        entry.check(mode, disk)?;
        Ok(entry)
    }

    fn name(&mut self) -> Result<(), Refusal> {
        let raw = self.raw.strip_suffix(b"/").unwrap_or(&self.raw);
        let text = std::str::from_utf8(raw).ok().map(|text| text.nfc().collect());
        self.name = text.ok_or_else(|| self.refused("its name is no UTF-8"))?;
        Ok(())
    }

    fn check(&self, mode: u32, disk: u16) -> Result<(), Refusal> {
        match mode & KIND {
            0 | REGULAR if !self.is_directory => {}
            0 | DIRECTORY if self.is_directory => {}
            LINK => return Err(self.refused("it is a symbolic link")),
            _ => return Err(self.refused("it is no ordinary file")),
        }
        if self.flags & ENCRYPTED != 0 {
            return Err(self.damaged("it is encrypted"));
        }
        if self.flags & PATCHED != 0 || !matches!(self.method, STORED | DEFLATED) {
            return Err(self.damaged("it is packed by another method than Deflate"));
        }
        if disk != 0
            || [self.packed, self.offset].contains(&u32::MAX)
            || self.size == u64::from(u32::MAX)
        {
            return Err(self.damaged("it is Zip64's, or in another part"));
        }
        if self.is_directory && self.size != 0 {
            return Err(self.damaged("it is a directory with content"));
        }
        if self.method == STORED && self.size != u64::from(self.packed) {
            return Err(self.damaged("it is not packed, and has two sizes"));
        }
        Ok(())
    }

    /// Finds its bytes, before the directory, and holds its own header against what was said.
    pub(super) fn located(mut self, bytes: &[u8], directory: usize) -> Result<Self, Refusal> {
        let start = self.offset as usize;
        let before = bytes.get(..directory).unwrap_or_default();
        let head = before.get(start..).and_then(|from| from.get(..LOCAL_BYTES));
        let head = head.filter(|head| head.starts_with(LOCAL));
        let head = head.ok_or_else(|| self.damaged("its header is not where it should be"))?;
        let short = |at: usize| head.get(at..at + 2).map_or(0, u16_of);
        let long = |at: usize| head.get(at..at + 4).map_or(0, u32_of);
        let names = start + LOCAL_BYTES;
        let extra = names + usize::from(short(26));
        let data = extra + usize::from(short(28));
        let later = short(6) & SIZES_FOLLOW != 0;
        let (checksum, packed, size) = (long(14), long(18), u64::from(long(22)));
        let same = (checksum, packed, size) == (self.checksum, self.packed, self.size);
        let unsaid = later
            && [(0, 0, 0), (0, u32::MAX, u64::from(u32::MAX))].contains(&(checksum, packed, size));
        let agrees = before.get(names..extra) == Some(self.raw.as_slice())
            && short(8) == self.method
            && (short(6) ^ self.flags) & (ENCRYPTED | PATCHED) == 0
            && (same || unsaid);
        if !agrees {
            return Err(self.damaged("its header says something else than the directory"));
        }
        self.data = data..data.saturating_add(self.packed as usize);
        self.whole = start..self.data.end;
        if before.get(self.data.clone()).is_none() {
            return Err(self.damaged("it was cut off"));
        }
        Ok(self)
    }

    pub(super) fn open<'a>(&self, bytes: &'a [u8]) -> Box<dyn Read + 'a> {
        let data = bytes.get(self.data.clone()).unwrap_or_default();
        let packing = match self.method {
            STORED => Packing::Stored(data),
            _ => Packing::Deflated(DeflateDecoder::new(data)),
        };
        let (left, checksum) = (self.size, self.checksum);
        Box::new(Unpacking { packing, left, checksum, read: crc32fast::Hasher::new() })
    }

    /// Whether it announced this checksum.
    #[cfg(any(test, fuzzing))]
    pub(super) fn is(&self, checksum: u32) -> bool {
        self.checksum == checksum
    }

    pub(super) fn refused(&self, why: &'static str) -> Refusal {
        Refusal::Entry { name: self.shown(), why }
    }

    fn damaged(&self, why: &'static str) -> Refusal {
        Refusal::Damaged { name: self.shown(), why }
    }

    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.raw);
        text.chars().take(200).flat_map(char::escape_debug).collect()
    }
}

enum Packing<'a> {
    Stored(&'a [u8]),
    Deflated(DeflateDecoder<&'a [u8]>),
}

/// Gives as many bytes as were announced, with the checksum that was announced, or fails.
struct Unpacking<'a> {
    packing: Packing<'a>,
    left: u64,
    checksum: u32,
    read: crc32fast::Hasher,
}

impl Unpacking<'_> {
    fn more(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.packing {
            Packing::Stored(data) => data.read(buffer),
            Packing::Deflated(decoder) => decoder.read(buffer),
        }
    }

    /// Nothing is left over, and the bytes are the ones that were packed.
    fn finish(&mut self) -> io::Result<usize> {
        let over = self.more(&mut [0])? != 0
            || match &self.packing {
                Packing::Stored(data) => !data.is_empty(),
                Packing::Deflated(decoder) => !decoder.get_ref().is_empty(),
            };
        if over {
            return Err(io::Error::other("it has more bytes than it announces"));
        }
        if self.read.clone().finalize() != self.checksum {
            return Err(io::Error::other("its checksum does not fit"));
        }
        Ok(0)
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return self.finish();
        }
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let count = self.more(buffer)?;
        if count == 0 {
            return Err(io::Error::other("it has fewer bytes than it announces"));
        }
        self.read.update(buffer.get(..count).unwrap_or_default());
        self.left -= count as u64;
        Ok(count)
    }
}
