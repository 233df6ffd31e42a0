//! Frames in and out of order, and too many of them.

use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    frame_bytes: 16_384,
    block_bytes: 65_536,
    continuations: 3,
    resets: 5,
    control_frames: 5,
};

fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
    let mut bytes = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    // In a block of headers, each of these is a field by its index.
    bytes.extend(vec![0x82; length]);
    bytes
}

/// A connection that has begun, with more after it.
fn connection(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, 6), frames.concat()].concat()
}

fn whole(bytes: &[u8]) -> Result<bool, Fault> {
    let mut frames = Frames::new(LIMITS);
    frames.pass(bytes, 0).map(|()| frames.is_amid())
}

fn why(frames: &[Vec<u8>]) -> Option<&'static str> {
    whole(&connection(frames)).err().map(|fault| fault.why)
}

#[test]
fn what_is_ordinary_passes() {
    let frames = [
        frame(HEADERS, 0, 1, 100),
        frame(CONTINUATION, END_HEADERS, 1, 100),
        frame(DATA, 0, 1, 16_384),
        frame(DATA, END_STREAM, 1, 0),
        frame(PING, 0, 0, 8),
        frame(HEADERS, END_HEADERS | END_STREAM, 3, 10),
        frame(RST_STREAM, 0, 3, 4),
    ];
    assert_eq!(whole(&connection(&frames)), Ok(false));
    let mut followed = Frames::new(LIMITS);
    followed.pass(&connection(&frames), 0).unwrap();
    assert_eq!(followed.newest(), 3);
}

#[test]
fn the_order_of_frames_is_held() {
    for (frames, expect) in [
        (
            vec![frame(HEADERS, 0, 1, 9), frame(DATA, 0, 1, 0)],
            "a block of headers was not continued",
        ),
        (
            vec![frame(HEADERS, 0, 1, 9), frame(CONTINUATION, END_HEADERS, 3, 0)],
            "a block of headers was not continued",
        ),
        (vec![frame(CONTINUATION, END_HEADERS, 1, 0)], "a frame continues nothing"),
        (vec![frame(DATA, 0, 1, 16_385)], "a frame is longer than was agreed"),
    ] {
        assert_eq!(why(&frames), Some(expect));
    }
    let first = [PREFACE.to_vec(), frame(PING, 0, 0, 8)].concat();
    assert_eq!(whole(&first).unwrap_err().why, "the first frame is no SETTINGS");
    assert_eq!(whole(b"PRI * HTTP/1.1").unwrap_err().code, 1);
}

#[test]
fn every_kind_of_flood_has_its_reason() {
    let six = |kind, length| std::iter::repeat_n(frame(kind, 0, 1, length), 6).collect::<Vec<_>>();
    for (kind, length, expect) in [
        (RST_STREAM, 4, "too many streams are reset"),
        (WINDOW_UPDATE, 4, "too many windows are updated"),
        (DATA, 0, "too many frames are empty"),
        (PING, 8, "too many pings"),
        (PRIORITY, 5, "too many priorities"),
        (0x42, 0, "too many frames that say nothing"),
        (SETTINGS, 0, "too many settings"),
    ] {
        assert_eq!(why(&six(kind, length)), Some(expect));
        assert_eq!(why(&six(kind, length)[..5]), None);
    }
    let mut endless = vec![frame(HEADERS, 0, 1, 9)];
    endless.extend(std::iter::repeat_n(frame(CONTINUATION, 0, 1, 0), 4));
    assert_eq!(why(&endless), Some("a block of headers is too long"));
    let large = vec![
        frame(HEADERS, 0, 1, 16_384),
        frame(CONTINUATION, 0, 1, 16_384),
        frame(CONTINUATION, 0, 1, 16_384),
        frame(CONTINUATION, END_HEADERS, 1, 16_385 - 1),
        frame(HEADERS, END_HEADERS, 3, 1),
    ];
    assert_eq!(why(&large), None);
}

#[test]
fn time_gives_back_what_a_flood_used_up() {
    let mut frames = Frames::new(LIMITS);
    frames.pass(&connection(&[]), 0).unwrap();
    for second in 0..100 {
        frames.pass(&frame(RST_STREAM, 0, 1, 4), second * 2_000).unwrap();
    }
    for _ in 0..4 {
        frames.pass(&frame(RST_STREAM, 0, 1, 4), 200_000).unwrap();
    }
    assert!((0..2).any(|_| frames.pass(&frame(RST_STREAM, 0, 1, 4), 200_000).is_err()));
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![0, 0, 1, 1, 3, 4, 6, 8, 9, 9, 0x20]);
    let flags = prop::sample::select(vec![0u8, 1, 4, 5]);
    (kind, flags, 0..4u32, 0..40usize)
        .prop_map(|(kind, flags, stream, length)| frame(kind, flags, stream, length))
}

proptest! {
    #[test]
    fn pieces_give_the_same_as_the_whole(
        frames in prop::collection::vec(any_frame(), 0..12),
        cut in 0..20usize,
        sizes in prop::collection::vec(1..50usize, 1..20),
    ) {
        let mut bytes = connection(&frames);
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        let mut rest = &bytes[..];
        let mut followed = Frames::new(LIMITS);
        let mut result = Ok(());
        for size in sizes.iter().cycle() {
            if rest.is_empty() || result.is_err() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            result = followed.pass(piece, 0);
            rest = after;
        }
        prop_assert_eq!(result.map(|()| followed.is_amid()), whole(&bytes));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = whole(&[PREFACE, &bytes].concat());
    }
}
