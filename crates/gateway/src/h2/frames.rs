//! Follows the frames of a connection (RFC 9113, section 4), and counts those that cost a client
//! little and a server much. Of what is in them, only blocks of headers are read (`fields`).
//!
//! What one frame may do to the next is hyper's; here is only what concerns the sequence of them:
//! the preface, sizes, header blocks, and how often.
//!
//! Invariant: reading in pieces gives the same result as reading whole.
//! Invariant: after a [`Fault`], no byte of the client is passed on.

use super::allowance::Allowance;
use super::blocks::Blocks;

#[cfg(test)]
mod tests;

/// What a client says first (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's head.
const HEAD_BYTES: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// Why a connection ends: an error code (RFC 9113, section 7) and a fixed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What GOAWAY says.
    pub code: u32,
    /// What exactly.
    pub why: &'static str,
}

impl Fault {
    pub(crate) const NONE: Self = Self { code: 0, why: "" };
    pub(crate) const SLOW: Self = Self::flood("a frame was not complete in time");

    pub(super) const fn protocol(why: &'static str) -> Self {
        Self { code: 1, why }
    }

    pub(super) const fn compression(why: &'static str) -> Self {
        Self { code: 9, why }
    }

    const fn size(why: &'static str) -> Self {
        Self { code: 6, why }
    }

    /// ENHANCE_YOUR_CALM.
    const fn flood(why: &'static str) -> Self {
        Self { code: 11, why }
    }
}

/// What a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes in one frame, its head not counted.
    pub frame_bytes: u32,
    /// Most bytes in one block of headers, as they are on the wire.
    pub block_bytes: u32,
    /// Most frames that continue one block of headers.
    pub continuations: u32,
    /// Streams that are reset, in ten seconds.
    pub resets: u32,
    /// Frames that carry nothing of a request, in ten seconds.
    pub control_frames: u32,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(super) flags: u8,
    pub(crate) stream: u32,
}

impl Head {
    const fn read(bytes: [u8; HEAD_BYTES]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        Self { length, kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]) }
    }
}

/// Cuts bytes into frames, and gives the head of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter {
    head: [u8; HEAD_BYTES],
    /// Bytes of the head that are there.
    have: usize,
    /// Bytes of the frame that are still to come.
    left: u32,
}

impl Cutter {
    /// Takes bytes up to the end of the next frame's head, or all of them.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        let skipped = (self.left as usize).min(bytes.len());
        self.left -= u32::try_from(skipped).unwrap_or(self.left);
        let mut rest = bytes.get(skipped..).unwrap_or_default();
        while let (Some((&byte, after)), Some(place)) =
            (rest.split_first(), self.head.get_mut(self.have))
        {
            (*place, rest) = (byte, after);
            self.have += 1;
        }
        *bytes = rest;
        if self.have < HEAD_BYTES {
            return None;
        }
        let head = Head::read(self.head);
        (self.have, self.left) = (0, head.length);
        Some(head)
    }

    /// Whether the bytes so far are whole frames.
    pub(crate) const fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }
}

/// Follows what a client sends.
#[derive(Debug, Clone)]
pub struct Frames {
    limits: Limits,
    /// Bytes of the preface that were read.
    preface: usize,
    settled: bool,
    cutter: Cutter,
    kind: u8,
    block: Option<Block>,
    blocks: Blocks,
    newest: u32,
    resets: Allowance,
    control: Allowance,
    updates: Allowance,
}

/// A block of headers that is not complete.
#[derive(Debug, Clone, Copy)]
struct Block {
    stream: u32,
    bytes: u32,
    continuations: u32,
}

impl Frames {
    /// Begins before the preface.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            preface: 0,
            settled: false,
            cutter: Cutter { head: [0; HEAD_BYTES], have: 0, left: 0 },
            kind: SETTINGS,
            block: None,
            blocks: Blocks::new(),
            newest: 0,
            resets: Allowance::new(limits.resets),
            control: Allowance::new(limits.control_frames),
            updates: Allowance::new(limits.control_frames),
            limits,
        }
    }

    /// Follows the next bytes. `now_ms` only grows.
    ///
    /// # Errors
    /// A [`Fault`]; none of these bytes may be used then.
    pub fn pass(&mut self, mut bytes: &[u8], now_ms: u64) -> Result<(), Fault> {
        self.greet(&mut bytes)?;
        while !bytes.is_empty() {
            self.blocks.take(bytes)?;
            if let Some(head) = self.cutter.next(&mut bytes) {
                self.kind = head.kind;
                self.check(head, now_ms)?;
                self.blocks.begin(head)?;
            }
        }
        Ok(())
    }

    fn greet(&mut self, bytes: &mut &[u8]) -> Result<(), Fault> {
        let expected = PREFACE.get(self.preface..).unwrap_or_default();
        let count = expected.len().min(bytes.len());
        let (said, rest) = bytes.split_at(count);
        if expected.get(..count) != Some(said) {
            return Err(Fault::protocol("the connection does not begin as HTTP/2 does"));
        }
        self.preface += count;
        *bytes = rest;
        Ok(())
    }

    fn check(&mut self, head: Head, now_ms: u64) -> Result<(), Fault> {
        if head.length > self.limits.frame_bytes {
            return Err(Fault::size("a frame is longer than was agreed"));
        }
        if !self.settled {
            if head.kind != SETTINGS || head.flags & ACK != 0 {
                return Err(Fault::protocol("the first frame is no SETTINGS"));
            }
            self.settled = true;
            return Ok(());
        }
        if let Some(block) = self.block {
            return self.go_on(block, head);
        }
        self.count(head, now_ms)
    }

    /// Within a block of headers, nothing may stand but its continuation.
    fn go_on(&mut self, block: Block, head: Head) -> Result<(), Fault> {
        if head.kind != CONTINUATION || head.stream != block.stream {
            return Err(Fault::protocol("a block of headers was not continued"));
        }
        let block = Block {
            bytes: block.bytes.saturating_add(head.length),
            continuations: block.continuations + 1,
            ..block
        };
        if block.bytes > self.limits.block_bytes || block.continuations > self.limits.continuations
        {
            return Err(Fault::flood("a block of headers is too long"));
        }
        self.block = (head.flags & END_HEADERS == 0).then_some(block);
        Ok(())
    }

    fn count(&mut self, head: Head, now_ms: u64) -> Result<(), Fault> {
        let fits = match head.kind {
            HEADERS => return self.open(head),
            CONTINUATION => {
                return Err(Fault::protocol("a frame continues nothing"));
            }
            DATA if head.length > 0 || head.flags & END_STREAM != 0 => true,
            RST_STREAM => self.resets.take(now_ms),
            WINDOW_UPDATE => self.updates.take(now_ms),
            // Empty DATA, SETTINGS, PING, PRIORITY, and what nobody knows.
            _ => self.control.take(now_ms),
        };
        let why = match head.kind {
            RST_STREAM => "too many streams are reset",
            WINDOW_UPDATE => "too many windows are updated",
            DATA => "too many frames are empty",
            SETTINGS => "too many settings",
            PING => "too many pings",
            PRIORITY => "too many priorities",
            _ => "too many frames that say nothing",
        };
        if fits { Ok(()) } else { Err(Fault::flood(why)) }
    }

    fn open(&mut self, head: Head) -> Result<(), Fault> {
        if head.length > self.limits.block_bytes {
            return Err(Fault::flood("a block of headers is too long"));
        }
        // Clients update a window and set a priority or two for each of their streams.
        self.updates.earn(2);
        self.control.earn(1);
        self.newest = self.newest.max(head.stream);
        let block = Block { stream: head.stream, bytes: head.length, continuations: 0 };
        self.block = (head.flags & END_HEADERS == 0).then_some(block);
        Ok(())
    }

    /// The server sent a frame of DATA, for which a client may update windows and measure times.
    pub(crate) fn sent_data(&mut self) {
        self.updates.earn(4);
        self.control.earn(1);
    }

    /// Whether something is begun that other streams have to wait for, or that says nothing yet: a
    /// block of headers, a frame of another kind than DATA, or the preface.
    pub(crate) const fn is_amid(&self) -> bool {
        if self.preface < PREFACE.len() {
            return self.preface > 0;
        }
        self.block.is_some() || self.cutter.have > 0 || (self.cutter.left > 0 && self.kind != DATA)
    }

    /// The highest stream that the client opened.
    pub(crate) const fn newest(&self) -> u32 {
        self.newest
    }
}
