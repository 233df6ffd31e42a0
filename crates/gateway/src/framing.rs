//! Where a message's body ends (RFC 9112, sections 6 and 7), followed byte by byte.
//!
//! A body may be passed on before it is complete: every byte that passes is checked, so hyper is
//! at most behind, never of another opinion.
//!
//! Invariant: no byte after the body's end is counted as part of it.

use crate::class::{self, TOKEN};
use crate::head::BodyLength;
use crate::violation::Violation;

#[cfg(test)]
mod tests;

/// Digits of a chunk's size that fit into 64 bits.
const SIZE_DIGITS_MAX: usize = 16;
/// Most bytes of extensions after one chunk's size.
const EXTENSION_BYTES_MAX: usize = 256;
/// Most bytes of extensions in one body; hyper gives up at 16 KiB.
const EXTENSIONS_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of trailers; hyper gives up at 16 KiB.
const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// Most trailers; hyper gives up at 100.
const TRAILERS_MAX: usize = 100;

/// What is left of a message's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Sized(u64),
    /// What the chunked coding says.
    Chunked(Chunked),
}

impl Framing {
    /// The body that a head announced.
    #[must_use]
    pub fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Sized(bytes) => Self::Sized(bytes),
            BodyLength::Chunked => Self::Chunked(Chunked::default()),
        }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Sized(left) => *left == 0,
            Self::Chunked(chunked) => chunked.step == Step::Over,
        }
    }

    /// How many of the next `bytes` belong to the body.
    ///
    /// # Errors
    /// A [`Violation`] of the chunked coding somewhere in `bytes`; none of them may be used.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        match self {
            Self::Sized(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= count as u64;
                Ok(count)
            }
            Self::Chunked(chunked) => chunked.pass(bytes),
        }
    }
}

/// The state of the chunked coding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunked {
    step: Step,
    /// Bytes of the chunk that are left, or its size while that is read.
    chunk: u64,
    digits: usize,
    /// Bytes of the extension that is read.
    extension: usize,
    extensions: usize,
    trailer_bytes: usize,
    trailers: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Over,
}

impl Chunked {
    fn pass(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.step {
                Step::Over => break,
                Step::Data => {
                    let most = usize::try_from(self.chunk).unwrap_or(usize::MAX);
                    let (data, after) = rest.split_at(most.min(rest.len()));
                    self.chunk -= data.len() as u64;
                    if self.chunk == 0 {
                        self.step = Step::DataCr;
                    }
                    rest = after;
                }
                _ => {
                    self.step = self.next(byte)?;
                    rest = after;
                }
            }
        }
        Ok(bytes.len() - rest.len())
    }

    fn next(&mut self, byte: u8) -> Result<Step, Violation> {
        match (self.step, byte) {
            (Step::Size, _) => self.size(byte),
            (Step::Extension, _) => self.extension(byte),
            (Step::SizeLf, b'\n') => Ok(self.sized()),
            (Step::DataCr, b'\r') => Ok(Step::DataLf),
            (Step::DataLf, b'\n') => Ok(Step::Size),
            (Step::EndLf, b'\n') => Ok(Step::Over),
            (Step::LineStart | Step::TrailerName | Step::TrailerValue | Step::TrailerLf, _) => {
                self.trailer(byte)
            }
            _ => Err(Violation::malformed("a chunk does not end where it should")),
        }
    }

    fn size(&mut self, byte: u8) -> Result<Step, Violation> {
        let digit = char::from(byte).to_digit(16);
        match (digit, byte) {
            (Some(digit), _) if self.digits < SIZE_DIGITS_MAX => {
                self.digits += 1;
                self.chunk = (self.chunk << 4) | u64::from(digit);
                Ok(Step::Size)
            }
            (Some(_), _) => Err(Violation::malformed("a chunk size is too large")),
            (None, b'\r') if self.digits > 0 => Ok(Step::SizeLf),
            (None, b';') if self.digits > 0 => {
                self.extension = 0;
                Ok(Step::Extension)
            }
            _ => Err(Violation::malformed("a chunk size is no number")),
        }
    }

    fn extension(&mut self, byte: u8) -> Result<Step, Violation> {
        if byte == b'\r' {
            return Ok(Step::SizeLf);
        }
        self.extension += 1;
        self.extensions += 1;
        if self.extension > EXTENSION_BYTES_MAX || self.extensions > EXTENSIONS_BYTES_MAX {
            return Err(Violation::malformed("a chunk extension is too long"));
        }
        if !class::is_value_byte(byte) || !byte.is_ascii() {
            return Err(Violation::malformed("a chunk extension has a control character"));
        }
        Ok(Step::Extension)
    }

    fn sized(&mut self) -> Step {
        self.digits = 0;
        if self.chunk == 0 { Step::LineStart } else { Step::Data }
    }

    fn trailer(&mut self, byte: u8) -> Result<Step, Violation> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX {
            return Err(Violation::too_large("the trailers are too long"));
        }
        match (self.step, byte) {
            (Step::LineStart, b'\r') => Ok(Step::EndLf),
            (Step::LineStart, _) if class::is(byte, TOKEN) => {
                self.trailers += 1;
                if self.trailers > TRAILERS_MAX {
                    return Err(Violation::too_large("there are too many trailers"));
                }
                Ok(Step::TrailerName)
            }
            (Step::TrailerName, b':') => Ok(Step::TrailerValue),
            (Step::TrailerName, _) if class::is(byte, TOKEN) => Ok(Step::TrailerName),
            (Step::TrailerValue, b'\r') => Ok(Step::TrailerLf),
            (Step::TrailerValue, _) if class::is_value_byte(byte) => Ok(Step::TrailerValue),
            (Step::TrailerLf, b'\n') => Ok(Step::LineStart),
            _ => Err(Violation::malformed("a trailer cannot be read")),
        }
    }
}
