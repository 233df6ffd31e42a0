//! Frames: what crosses a lane, piece by piece.
//!
//! A frame is the length of its payload (4 bytes, little-endian), its kind (1 byte), the number of
//! what it is about (4 bytes, little-endian), and the payload. Bytes of bodies are the payload as
//! they are; everything else is in postcard's form.

use bytes::{Buf as _, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes before the payload.
const HEADER_BYTES: usize = 9;
/// Largest payload: the most that one ask of a key-value store may carry, and room around it.
pub(crate) const PAYLOAD_BYTES_MAX: usize = ports::keyvalue::BATCH_BYTES_MAX + (2 << 20);
/// Most bytes of a body that are on their way at a time, in one direction.
pub(crate) const WINDOW_BYTES: usize = 128 << 10;
/// Largest piece of a body in one frame.
pub(crate) const PIECE_BYTES: usize = 64 << 10;

/// What a frame says. The comment says who sends it, and what the payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Node: run this. [`crate::words::Run`]
    Run = 1,
    /// Node: nobody waits for this invocation any more.
    Cancel = 2,
    /// Child: the answer's head, or why there is none. `Result<Head, Fault>`
    Head = 3,
    /// Child: the guest came to its end. `Result<(), Fault>`
    Done = 4,
    /// Child: what was used until now. `Usage`
    Usage = 5,
    /// Child: a line of the log. [`crate::words::LogLine`]
    Log = 6,
    /// Child: a guest asks for something. The number is the ask's. [`crate::words::Ask`]
    Ask = 7,
    /// Node: what became of an ask. `Result<Answer, HostError>`
    Answer = 8,
    /// Child: nobody waits for this ask, or for the rest of its answer.
    Dropped = 9,
    /// Either: bytes of the body of an invocation's request or answer.
    Data = 10,
    /// Either: the end of that body. [`crate::words::End`]
    End = 11,
    /// Either: so many more bytes of that body may come. A `u32`, little-endian.
    Credit = 12,
    /// As [`Kind::Data`], of an ask or its answer.
    CallData = 13,
    /// As [`Kind::End`].
    CallEnd = 14,
    /// As [`Kind::Credit`].
    CallCredit = 15,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Run,
        Self::Cancel,
        Self::Head,
        Self::Done,
        Self::Usage,
        Self::Log,
        Self::Ask,
        Self::Answer,
        Self::Dropped,
        Self::Data,
        Self::End,
        Self::Credit,
        Self::CallData,
        Self::CallEnd,
        Self::CallCredit,
    ];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte).checked_sub(1)?).copied()
    }
}

/// How the other side broke the protocol. It is ended for that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("a frame of the unknown kind {0}")]
    Kind(u8),
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    #[error("a {0:?} frame that cannot be read")]
    Unreadable(Kind),
    #[error("a {0:?} frame from the wrong side, or at the wrong time")]
    Unexpected(Kind),
    #[error("more of a body than was asked for")]
    Window,
    #[error("more asks at a time than a guest can have")]
    Asks,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) id: u32,
    pub(crate) payload: Bytes,
}

impl Frame {
    /// The payload's value.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Violation> {
        match postcard::take_from_bytes(&self.payload) {
            Ok((value, [])) => Ok(value),
            _ => Err(Violation::Unreadable(self.kind)),
        }
    }

    /// The payload of a credit.
    pub(crate) fn credit(&self) -> Result<u32, Violation> {
        let bytes = <[u8; 4]>::try_from(&*self.payload);
        bytes.map(u32::from_le_bytes).map_err(|_| Violation::Unreadable(self.kind))
    }
}

/// Takes the first frame off `input`; `None` if it is not there as a whole.
pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Frame>, Violation> {
    let Some(header) = input.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [l0, l1, l2, l3, kind, i0, i1, i2, i3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let kind = Kind::of(kind).ok_or(Violation::Kind(kind))?;
    if length > PAYLOAD_BYTES_MAX {
        return Err(Violation::TooLong(length));
    }
    if input.len() - HEADER_BYTES < length {
        return Ok(None);
    }
    input.advance(HEADER_BYTES);
    let payload = input.split_to(length).freeze();
    Ok(Some(Frame { kind, id: u32::from_le_bytes([i0, i1, i2, i3]), payload }))
}

/// Adds a frame whose payload is bytes.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, id: u32, payload: &[u8]) {
    header(out, kind, id, payload.len());
    out.extend_from_slice(payload);
}

/// Adds a frame whose payload is a value. One that is larger than a frame may be is not sent, and
/// this says so.
#[must_use]
pub(crate) fn put_value(out: &mut Vec<u8>, kind: Kind, id: u32, value: &impl Serialize) -> bool {
    let start = out.len();
    header(out, kind, id, 0);
    // A `Vec` can always be extended, and nothing that is sent here has no form.
    let written = postcard::to_extend(value, std::mem::take(out));
    let Ok(written) = written else { return false };
    *out = written;
    let length = out.len() - start - HEADER_BYTES;
    if length > PAYLOAD_BYTES_MAX {
        out.truncate(start);
        return false;
    }
    if let (Some(place), Ok(length)) = (out.get_mut(start..start + 4), u32::try_from(length)) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    true
}

fn header(out: &mut Vec<u8>, kind: Kind, id: u32, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(&id.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_has_its_number() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at + 1);
            assert_eq!(Kind::of(kind as u8), Some(kind));
        }
        assert_eq!(Kind::of(0), None);
        assert_eq!(Kind::of(16), None);
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_there() {
        let mut out = Vec::new();
        header(&mut out, Kind::Data, 1, PAYLOAD_BYTES_MAX + 1);
        let refused = take(&mut BytesMut::from(out.as_slice()));
        assert_eq!(refused, Err(Violation::TooLong(PAYLOAD_BYTES_MAX + 1)));
        let mut out = vec![1, 2, 3];
        assert!(!put_value(&mut out, Kind::Log, 1, &vec![0_u8; PAYLOAD_BYTES_MAX + 1]));
        assert_eq!(out, [1, 2, 3], "nothing of it is left");
    }

    proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(
            frames in proptest::collection::vec((1..16_u8, any::<u32>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
            cut in 1..30_usize,
        ) {
            let mut out = Vec::new();
            for (kind, id, payload) in &frames {
                put(&mut out, Kind::of(*kind).expect("kind"), *id, payload);
            }
            let mut input = BytesMut::new();
            let mut back = Vec::new();
            for piece in out.chunks(cut) {
                input.extend_from_slice(piece);
                while let Some(frame) = take(&mut input).expect("frames") {
                    back.push((frame.kind as u8, frame.id, frame.payload.to_vec()));
                }
            }
            prop_assert_eq!(back, frames);
            prop_assert!(input.is_empty());
        }
    }
}
