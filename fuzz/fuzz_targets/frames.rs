//! Follows arbitrary bytes as the frames of an HTTP/2 client, whole and in pieces.
#![no_main]

use gateway::h2::frames::{Frames, Limits, PREFACE};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits {
    frame_bytes: 16_384,
    block_bytes: 65_536,
    continuations: 8,
    resets: 20,
    control_frames: 20,
};

fuzz_target!(|bytes: &[u8]| {
    let whole = [PREFACE, bytes].concat();
    let mut at_once = Frames::new(LIMITS);
    let mut in_pieces = Frames::new(LIMITS);
    let pieces = whole.chunks(7).try_for_each(|piece| in_pieces.pass(piece, 0));
    assert_eq!(at_once.pass(&whole, 0), pieces);
});
