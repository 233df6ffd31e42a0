//! Puts blocks of headers together from frames and their pieces, and has them read once whole.
//!
//! What is waited for has been passed on already, all but its last bytes: hyper cannot use a block
//! before it is whole either.
//!
//! Invariant: hyper's reader and this one see the same blocks in the same order.

use super::fields::Fields;
use super::frames::{CONTINUATION, END_HEADERS, Fault, HEADERS, Head};

const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;
/// Bytes of a stream's priority.
const PRIORITY_BYTES: usize = 5;

/// Follows the blocks of a connection.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// The frame that is read, if it belongs to a block.
    frame: Option<Head>,
    /// Its bytes, if they come in pieces.
    payload: Vec<u8>,
    /// What earlier frames brought of the block.
    begun: Vec<u8>,
    fields: Fields,
}

impl Blocks {
    pub(super) const fn new() -> Self {
        Self { frame: None, payload: Vec::new(), begun: Vec::new(), fields: Fields::new() }
    }

    /// Begins a frame of any kind.
    pub(super) fn begin(&mut self, head: Head) -> Result<(), Fault> {
        self.frame = matches!(head.kind, HEADERS | CONTINUATION).then_some(head);
        self.take(&[])
    }

    /// Takes the next bytes of what came, of which only those of the frame are looked at.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(head) = self.frame else { return Ok(()) };
        let missing = (head.length as usize).saturating_sub(self.payload.len());
        let Some(last) = bytes.get(..missing) else {
            self.payload.extend(bytes);
            return Ok(());
        };
        self.frame = None;
        if self.payload.is_empty() {
            return self.end(head, last);
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.extend(last);
        self.end(head, &payload)
    }

    /// A frame is complete.
    fn end(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let part = strip(head, payload)?;
        let is_last = head.flags & END_HEADERS != 0;
        if is_last && self.begun.is_empty() {
            return self.fields.read(part);
        }
        self.begun.extend(part);
        if !is_last {
            return Ok(());
        }
        let block = std::mem::take(&mut self.begun);
        self.fields.read(&block)
    }
}

/// The part of a block in a frame (RFC 9113, section 6.2).
fn strip(head: Head, mut payload: &[u8]) -> Result<&[u8], Fault> {
    const SHORT: Fault = Fault::protocol("a frame of headers is shorter than it says");
    if head.kind != HEADERS {
        return Ok(payload);
    }
    let mut padding = 0;
    if head.flags & PADDED != 0 {
        let (&count, rest) = payload.split_first().ok_or(SHORT)?;
        (padding, payload) = (usize::from(count), rest);
    }
    if head.flags & PRIORITY != 0 {
        let (priority, rest) = payload.split_at_checked(PRIORITY_BYTES).ok_or(SHORT)?;
        let on = priority.first_chunk().map_or(0, |on| u32::from_be_bytes(*on) & (u32::MAX >> 1));
        // hyper would pass over such a block without reading it.
        if on == head.stream {
            return Err(Fault::protocol("a stream depends on itself"));
        }
        payload = rest;
    }
    let end = payload.len().checked_sub(padding).ok_or(SHORT)?;
    Ok(payload.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: Fault = Fault::protocol("the path has a fragment");

    fn head(kind: u8, flags: u8, length: usize) -> Head {
        Head { length: u32::try_from(length).unwrap(), kind, flags, stream: 5 }
    }

    /// Feeds frames whose bytes come in pieces of this size.
    fn follow(frames: &[(u8, u8, Vec<u8>)], size: usize) -> Result<(), Fault> {
        let mut blocks = Blocks::new();
        for (kind, flags, payload) in frames {
            blocks.begin(head(*kind, *flags, payload.len()))?;
            payload.chunks(size).try_for_each(|piece| blocks.take(piece))?;
            assert!(blocks.frame.is_none() && blocks.payload.is_empty());
        }
        Ok(())
    }

    #[test]
    fn a_block_is_read_whole_however_it_is_cut() {
        let block = b"\x82\x44\x04/a#b\x87";
        let (front, back) = block.split_at(5);
        let whole = |kind, flags, payload: &[u8]| vec![(kind, flags, payload.to_vec())];
        let padded = [&[3][..], block, &[0; 3]].concat();
        let ranked = [&[0, 0, 0, 0, 9][..], block].concat();
        let both = [&[2, 0x80, 0, 0, 3, 9][..], block, &[0; 2]].concat();
        let cases = [
            whole(HEADERS, END_HEADERS, block),
            whole(HEADERS, END_HEADERS | PADDED, &padded),
            whole(HEADERS, END_HEADERS | PRIORITY, &ranked),
            whole(HEADERS, END_HEADERS | PADDED | PRIORITY, &both),
            vec![(HEADERS, 0, front.to_vec()), (CONTINUATION, END_HEADERS, back.to_vec())],
            vec![
                (HEADERS, PADDED, [&[1][..], front, &[0]].concat()),
                (CONTINUATION, 0, Vec::new()),
                // The flag has no meaning here.
                (CONTINUATION, END_HEADERS | PADDED, back.to_vec()),
            ],
        ];
        for case in cases {
            for size in [1, 2, 7, 100] {
                assert_eq!(follow(&case, size), Err(FRAGMENT), "{case:x?} {size}");
            }
        }
    }

    #[test]
    fn other_frames_are_not_looked_at() {
        let block = b"\x44\x04/a#b".to_vec();
        assert_eq!(follow(&[(0, 0, block.clone()), (6, END_HEADERS, block)], 100), Ok(()));
    }

    #[test]
    fn frames_that_are_too_short_end_the_connection() {
        for (flags, payload) in [
            (PADDED, vec![]),
            (PADDED, vec![1]),
            (PRIORITY, vec![0; 4]),
            (PRIORITY, vec![0, 0, 0, 5, 1]),
        ] {
            assert!(follow(&[(HEADERS, END_HEADERS | flags, payload)], 100).is_err());
        }
    }
}
