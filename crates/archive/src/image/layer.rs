//! One layer: its bytes are unpacked, digested on both sides, and held to their limits.

use super::blobs::Blobs;
use super::config::LayerOf;
use super::spool::Spool;
use super::tar::{Kind, Tar};
use super::tree::{Made, Placed, Tree};
use super::{Refusal, unreadable};
use aws_lc_rs::digest::{Context, SHA256};
use flate2::read::MultiGzDecoder;
use model::Digest;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// How many times its size a layer may be unpacked, and how much it may be however small it is.
const RATIO_MAX: u64 = 200;
const SMALL: u64 = 16 << 20;
/// Most bytes of an unpacked layer: what its files may have, and their headers.
const LAYER_BYTES_MAX: u64 = model::listing::TOTAL_BYTES_MAX + (1 << 30);

/// What was read through a [`Counted`].
struct Count {
    context: Context,
    bytes: u64,
}

impl Count {
    fn new() -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self { context: Context::new(&SHA256), bytes: 0 }))
    }

    fn digest(&self) -> Digest {
        let mut out = [0; 32];
        out.copy_from_slice(self.context.clone().finish().as_ref());
        Digest(out)
    }
}

/// Digests and counts what is read through it.
struct Counted<R> {
    input: R,
    count: Rc<RefCell<Count>>,
    /// What is unpacked, against what it was packed in.
    packed: Option<Rc<RefCell<Count>>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let mut count = self.count.borrow_mut();
        count.context.update(buffer.get(..read).unwrap_or_default());
        count.bytes += read as u64;
        if let Some(packed) = &self.packed {
            let (packed, unpacked) = (packed.borrow().bytes, count.bytes);
            if unpacked > SMALL && unpacked / RATIO_MAX > packed {
                let why = format!("{packed} bytes of a layer become {unpacked}, and go on");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
            }
            if unpacked > LAYER_BYTES_MAX {
                let why = format!("a layer has more than {LAYER_BYTES_MAX} bytes");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
            }
        }
        Ok(read)
    }
}

/// What an error while reading a layer means.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub(super) fn damaged(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Refusal::TooLarge(error.to_string()),
        io::ErrorKind::UnexpectedEof => unreadable("a layer was cut off"),
        _ => unreadable(format!("a layer is damaged: {error}")),
    }
}

/// A layer that is being read.
pub(super) struct Layer<'a> {
    of: &'a LayerOf,
    packed: Rc<RefCell<Count>>,
    unpacked: Rc<RefCell<Count>>,
    tar: Tar<Counted<Box<dyn Read + 'a>>>,
}

impl<'a> Layer<'a> {
    pub(super) fn open(blobs: &'a Blobs, of: &'a LayerOf) -> Result<Self, Refusal> {
        let name = of.name.escape_debug();
        let (reader, size) = blobs
            .get(&of.name)?
            .ok_or_else(|| unreadable(format!("its layer `{name}` is missing")))?;
        if of.packed.is_some_and(|(_, told)| told != size) {
            return Err(unreadable(format!("its layer `{name}` has not the size that it should")));
        }
        Self::of(of, reader.take(size))
    }

    pub(super) fn of(of: &'a LayerOf, reader: impl Read + 'a) -> Result<Self, Refusal> {
        let (packed, unpacked) = (Count::new(), Count::new());
        let counted = Counted { input: reader, count: Rc::clone(&packed), packed: None };
        let input = unpacking(BufReader::with_capacity(1 << 16, counted)).map_err(damaged)?;
        let tar = Tar::new(Counted {
            input,
            count: Rc::clone(&unpacked),
            packed: Some(Rc::clone(&packed)),
        });
        Ok(Self { of, packed, unpacked, tar })
    }

    /// Lays it over what is there, and looks at its digests at the end.
    pub(super) fn unpack(mut self, tree: &mut Tree, spool: &mut Spool) -> Result<(), Refusal> {
        while let Some(entry) = self.tar.next().map_err(damaged)? {
            let path = match tree.place(&entry)? {
                Placed::At(path) => path,
                Placed::Nowhere => continue,
                Placed::Aside(path) => {
                    let content = spool.take(self.tar.content(), entry.size, &entry.name)?;
                    tree.put_aside(path, content, entry.executable);
                    continue;
                }
            };
            let made = match entry.kind {
                Kind::Directory => Made::Directory,
                Kind::Symbolic => Made::Link(tree.target(&entry)?),
                Kind::Hard => tree.same(&entry)?,
                Kind::File => {
                    let content = spool.take(self.tar.content(), entry.size, &entry.name)?;
                    Made::File { content, executable: entry.executable }
                }
                Kind::Refused(what) => {
                    return Err(Refusal::entry(&entry.name, format!("it is {what}")));
                }
            };
            tree.put(&path, made)?;
        }
        self.finish()
    }

    fn finish(self) -> Result<(), Refusal> {
        self.tar.finish().map_err(damaged)?;
        let name = self.of.name.escape_debug();
        let wrong = |what: &str| Err(unreadable(format!("its layer `{name}` is not what {what}")));
        if self.of.packed.is_some_and(|(digest, _)| self.packed.borrow().digest() != digest) {
            return wrong("its digest says");
        }
        if self.unpacked.borrow().digest() != self.of.unpacked {
            return wrong("the image's configuration says");
        }
        Ok(())
    }
}

/// Unpacks what is packed, as its first bytes say.
fn unpacking<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let start = input.fill_buf()?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(Whole(Some(MultiGzDecoder::new(input)))));
    }
    let magic = start.first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
    if magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50 {
        return Ok(Box::new(Zstd { input, decoder: FrameDecoder::new(), open: false }));
    }
    Ok(Box::new(input))
}

/// Reads on until there is nothing: a decoder that is asked again after its end may begin anew.
struct Whole<R>(Option<R>);

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(input) = &mut self.0 else { return Ok(0) };
        let read = input.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.0 = None;
        }
        Ok(read)
    }
}

/// Frames of Zstandard, one after the other.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    open: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.open && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, one).map_err(invalid)?;
                continue;
            }
            self.open = self.begin()?;
            if !self.open {
                return Ok(0);
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
