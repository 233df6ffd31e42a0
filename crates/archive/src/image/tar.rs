//! Tar files, entry by entry: `ustar` with the extensions of POSIX (pax) and of GNU for long names.
//!
//! Invariant: what is not understood is refused. A header without its checksum is no header, and a
//! field that is no number ends the reading.

use std::io::{self, Read};

const BLOCK: usize = 512;
/// Most bytes of a header's extension.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// Another name of a file.
    Hard,
    /// A symbolic link.
    Symbolic,
    /// What cannot be in a jail, in a word.
    Refused(&'static str),
}

/// One entry, as its headers say.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    /// What a link says.
    pub(super) target: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Whether anybody may execute it.
    pub(super) executable: bool,
}

/// Reads entries one after the other.
pub(super) struct Tar<R> {
    input: R,
    /// Bytes of the entry in hand that were not read yet.
    rest: u64,
    /// Bytes behind it up to the next block.
    padding: u64,
    /// Bytes that were read of all.
    at: u64,
}

/// What extensions say of the entry behind them.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<R: Read> Tar<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, rest: 0, padding: 0, at: 0 }
    }

    /// Where in the file the content of the entry in hand goes on.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// The next entry, if there is one. What was not read of the last one is passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut said = Said::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = number(field(&header, 124, 12))?;
            self.begin(size);
            match header[156] {
                b'x' => {
                    let text = self.extension()?;
                    said.pax(&text)?;
                }
                // What is said of all entries is nothing that matters here, but names.
                b'g' => {
                    let mut all = Said::default();
                    all.pax(&self.extension()?)?;
                    if all.name.is_some() || all.target.is_some() || all.size.is_some() {
                        return Err(bad("a tar says a name or a size of all of its entries"));
                    }
                }
                b'L' => said.name = Some(until_nul(&self.extension()?)),
                b'K' => said.target = Some(until_nul(&self.extension()?)),
                kind => return self.entry(&header, kind, said).map(Some),
            }
        }
    }

    /// What is left of the content of the entry in hand.
    pub(super) fn content(&mut self) -> Content<'_, R> {
        Content(self)
    }

    /// Reads to the end of the file, behind the end of the tar.
    pub(super) fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.input, &mut io::sink()).map(|_| ())
    }

    fn begin(&mut self, size: u64) {
        self.rest = size;
        let over = size % BLOCK as u64;
        self.padding = if over == 0 { 0 } else { BLOCK as u64 - over };
    }

    fn entry(&mut self, header: &[u8; BLOCK], kind: u8, said: Said) -> io::Result<Entry> {
        let mut name = until_nul(field(header, 0, 100));
        // GNU's own form has something else where POSIX has the beginning of a long name.
        if field(header, 257, 6) == b"ustar\0" {
            let prefix = until_nul(field(header, 345, 155));
            if !prefix.is_empty() {
                name = [prefix.as_slice(), b"/", name.as_slice()].concat();
            }
        }
        let name = said.name.unwrap_or(name);
        let slash = name.last() == Some(&b'/');
        let kind = match kind {
            _ if said.sparse => Kind::Refused("a sparse file"),
            b'0' | 0 | b'7' if slash => Kind::Directory,
            b'0' | 0 | b'7' => Kind::File,
            b'1' => Kind::Hard,
            b'2' => Kind::Symbolic,
            b'3' => Kind::Refused("a device"),
            b'4' => Kind::Refused("a device"),
            b'5' => Kind::Directory,
            b'6' => Kind::Refused("a pipe"),
            b'S' => Kind::Refused("a sparse file"),
            _ => Kind::Refused("of a kind that is not known"),
        };
        let size = said.size.unwrap_or(self.rest);
        // A link may say the size of what it links to, and has no content.
        let size = if kind == Kind::File {
            size
        } else if self.links(kind) {
            0
        } else {
            size
        };
        self.begin(size);
        let mode = number(field(header, 100, 8))?;
        Ok(Entry {
            name,
            target: said.target.unwrap_or_else(|| until_nul(field(header, 157, 100))),
            kind,
            size,
            executable: mode & 0o111 != 0,
        })
    }

    const fn links(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Hard | Kind::Symbolic)
    }

    /// All of an extension's text.
    fn extension(&mut self) -> io::Result<Vec<u8>> {
        if self.rest > EXTENSION_BYTES_MAX {
            return Err(bad("a name in a tar is endless"));
        }
        let mut text = Vec::new();
        let size = self.rest;
        self.content().read_to_end(&mut text)?;
        if text.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(text)
    }

    /// The next block; none at the end. Two empty blocks are one, and so is the end of the file, since
    /// some programs write none.
    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let count = self.input.read(block.get_mut(filled..).unwrap_or_default())?;
            if count == 0 {
                break;
            }
            filled += count;
        }
        self.at += filled as u64;
        if filled == 0 || (filled == BLOCK && block.iter().all(|byte| *byte == 0)) {
            return Ok(None);
        }
        if filled < BLOCK {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let told = number(field(&block, 148, 8))?;
        let sum = block
            .iter()
            .enumerate()
            .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }));
        if sum.sum::<u64>() != told {
            return Err(bad("it is no tar, or damaged"));
        }
        Ok(Some(block))
    }

    fn skip(&mut self) -> io::Result<()> {
        let left = self.rest.saturating_add(self.padding);
        let skipped = io::copy(&mut self.input.by_ref().take(left), &mut io::sink())?;
        self.at += skipped;
        // The last block of a tar may be missing its padding.
        if skipped < self.rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.rest, self.padding) = (0, 0);
        Ok(())
    }
}

/// The content of the entry in hand.
pub(super) struct Content<'a, R>(&'a mut Tar<R>);

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.0.rest).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.0.input.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.0.rest -= count as u64;
        self.0.at += count as u64;
        Ok(count)
    }
}

impl Said {
    /// Records of the form `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, mut text: &[u8]) -> io::Result<()> {
        const WHY: &str = "an extension in a tar is not of its form";
        while !text.is_empty() {
            let space = text.iter().position(|byte| *byte == b' ').ok_or_else(|| bad(WHY))?;
            let length = std::str::from_utf8(text.get(..space).unwrap_or_default());
            let length: usize =
                length.ok().and_then(|it| it.parse().ok()).ok_or_else(|| bad(WHY))?;
            let record = text.get(space + 1..length).ok_or_else(|| bad(WHY))?;
            let record = record.strip_suffix(b"\n").ok_or_else(|| bad(WHY))?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(|| bad(WHY))?;
            let (key, value) = (record.get(..equals), record.get(equals + 1..).unwrap_or_default());
            match key.unwrap_or_default() {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.target = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                    self.size = Some(size.ok_or_else(|| bad(WHY))?);
                }
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                // Times, owners and extended attributes are not kept.
                _ => {}
            }
            text = text.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

fn field(block: &[u8; BLOCK], at: usize, length: usize) -> &[u8] {
    block.get(at..at + length).unwrap_or_default()
}

fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().take_while(|byte| *byte != 0).collect()
}

/// A number in octal, or in GNU's binary form for large ones.
fn number(field: &[u8]) -> io::Result<u64> {
    let wrong = || bad("a number in a tar is none");
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) {
        let own = u64::from(first & 0x7f);
        return rest.iter().try_fold(own, |sum, byte| {
            sum.checked_mul(256).map(|sum| sum | u64::from(*byte)).ok_or_else(wrong)
        });
    }
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_filler(byte)).unwrap_or(field.len());
    let digits = field.get(start..).unwrap_or_default();
    let end = digits.iter().position(is_filler).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(is_filler) {
        return Err(wrong());
    }
    digits.iter().try_fold(0u64, |sum, byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(byte - b'0')).ok_or_else(wrong),
        _ => Err(wrong()),
    })
}
