//! The codecs: what is written is read, and no bytes make a reader panic.

use crate::journal::block::{self, Found, Header};
use crate::journal::facts::{END, Summary, Wanted};
use crate::journal::index::Index;
use crate::journal::position::{self, List};
use crate::journal::segment;
use model::key::Epoch;
use model::wire::v1::{Entry, Outcome};
use model::{BootId, Scope, Timestamp};
use proptest::prelude::*;
use testkit::journal::{end, record};

/// A block of these entries, unsealed, as if it were the first.
fn block_of(entries: &[Vec<u8>], first: u64) -> (Vec<u8>, Header) {
    let mut bytes = vec![0; block::HEADER_BYTES];
    entries.iter().for_each(|entry| block::push_frame(&mut bytes, entry));
    let summary = Summary { count: entries.len() as u32, min_us: -1, max_us: 9, ..Summary::EMPTY };
    let header = Header { len: 0, first, summary, afloat: 0 }.finish(&mut bytes);
    (bytes, header)
}

fn entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6)
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_blocks_and_gaps_without_holes(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        entries in entries(),
        at in 0usize..600,
    ) {
        let mut bytes = bytes;
        let at = at.min(bytes.len());
        let (block, header) = block_of(&entries, 7);
        bytes.splice(at..at, block);
        let (mut next, mut seen) = (1000, false);
        for found in block::blocks(&bytes, 1000) {
            let (offset, len) = match found {
                Found::Block(block) => {
                    seen |= block.header == header;
                    (block.offset, block.bytes())
                }
                Found::Gap(gap) => (gap.offset, gap.bytes),
            };
            prop_assert_eq!(offset, next);
            prop_assert!(len > 0);
            next += len;
        }
        prop_assert_eq!(next, 1000 + bytes.len() as u64);
        prop_assert!(seen, "the block in the middle is not found");
    }

    #[test]
    fn any_changed_byte_of_a_block_is_noticed(entries in entries(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let (mut bytes, header) = block_of(&entries, 7);
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        let same = block::blocks(&bytes, 0).any(|found| matches!(found, Found::Block(it) if it.header == header));
        prop_assert!(!same, "byte {at} bit {bit}");
    }

    #[test]
    fn frames_come_back(entries in entries()) {
        let (bytes, _) = block_of(&entries, 0);
        let plain = &bytes[block::HEADER_BYTES..];
        prop_assert_eq!(block::frames(plain, entries.len() as u32), Ok(entries.iter().map(Vec::as_slice).collect()));
        prop_assert!(block::frames(plain, entries.len() as u32 + 1).is_err());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), count in any::<u32>()) {
        let _ = block::frames(&bytes, count);
        let _ = Index::decode(&bytes, 0, 300);
        let _ = postcard::from_bytes::<Entry>(&bytes);
        if let Some(head) = bytes.first_chunk() {
            prop_assert!(segment::Header::decode(head).is_err());
        }
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(position::parse(List::Logs, "t-a", &text).is_err());
        let _ = segment::first_of(&text);
    }

    #[test]
    fn positions_come_back_and_only_to_their_own_list(number in any::<u64>()) {
        let text = position::print(List::Logs, "t-a", number);
        prop_assert_eq!(position::parse(List::Logs, "t-a", &text), Ok(number));
        prop_assert!(position::parse(List::Records, "t-a", &text).is_err());
    }

    #[test]
    fn an_index_comes_back_and_spans_neighbours(sizes in proptest::collection::vec(100u64..40_000, 0..60)) {
        let (mut index, mut offset) = (Index::new(5), 128);
        for (at, bytes) in sizes.iter().enumerate() {
            let summary = Summary { count: 1, min_us: at as i64, max_us: at as i64, ..Summary::EMPTY };
            index.push(offset, *bytes, &Header { len: 0, first: 5 + at as u64, summary, afloat: 0 });
            offset += bytes;
        }
        prop_assert_eq!(Index::decode(&index.encode(5, offset), 5, offset), Some(index.clone()));
        prop_assert_eq!(Index::decode(&index.encode(5, offset), 5, offset + 1), None);
        prop_assert!(index.spans.len() as u64 <= 1 + 2 * offset / (64 << 10));
        prop_assert_eq!(index.end, 5 + sizes.len() as u64);
    }
}

/// A checksum over each of the rest would take hours.
#[test]
fn bytes_full_of_beginnings_are_given_up_on() {
    let mut beginning = [0; block::HEADER_BYTES];
    beginning[..4].copy_from_slice(b"cmb1");
    beginning[8..12].copy_from_slice(&(1u32 << 20).to_le_bytes());
    let mut bytes = beginning.repeat((4 << 20) / block::HEADER_BYTES);
    bytes.extend(block_of(&[vec![1]], 7).0);
    let found: Vec<Found<'_>> = block::blocks(&bytes, 0).collect();
    assert!(matches!(found[..], [Found::Gap(gap)] if gap.bytes == bytes.len() as u64));
}

#[test]
fn a_segments_header_comes_back_and_every_changed_byte_is_noticed() {
    let header = segment::Header {
        first: 7,
        boot: BootId(u64::MAX),
        created: Timestamp(-5),
        epoch: Epoch(3),
        stream: format!("t-{}", "a".repeat(63)),
    };
    let bytes = header.encode();
    assert_eq!(segment::Header::decode(&bytes), Ok(header));
    for at in 0..bytes.len() {
        let mut changed = bytes;
        changed[at] ^= 1;
        assert!(segment::Header::decode(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_block_keeps_its_bytes() {
    let (bytes, _) = block_of(&[vec![1, 2, 3]], 7);
    let expected = "636d623100000000070000000100000007000000000000\
        00ffffffffffffffff0900000000000000000000000000000000000000000000000300000001\
        0203";
    let mut plain = bytes.clone();
    plain[4..8].fill(0);
    let text: String = plain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, expected);
}

#[test]
fn a_summary_finds_what_is_in_it() {
    let scope = Scope::default();
    let mut all = Summary::EMPTY;
    for number in 0..50 {
        let mut record = record(&scope, "f", number);
        record.outcome = Outcome::ALL[number as usize % 3];
        all.join(&Summary::of(&end(record), || Timestamp(0)));
    }
    let f = "f".parse().ok();
    let ends = || Wanted::kinds(&[END]).of(&scope.environment, f.as_ref());
    let id = record(&scope, "f", 49).start.id;
    let cases = [
        (ends(), true),
        (ends().about(Some(id)), true),
        (ends().about(Some(record(&scope, "f", 5000).start.id)), false),
        (ends().ended(Some(Outcome::Denied)), true),
        (ends().ended(Some(Outcome::Platform)), false),
        (ends().since(Some(record(&scope, "f", 49).start.start_us)), true),
        (ends().since(Some(record(&scope, "f", 60).start.start_us)), false),
        (Wanted::kinds(&[super::super::facts::LOG]), false),
    ];
    for (wanted, expected) in cases {
        assert_eq!(wanted.may_be_in(&all), expected, "{wanted:?}");
    }
    let others = ["a", "b", "c", "d", "e", "g", "h"];
    let missed = others.iter().filter(|name| {
        let wanted = Wanted::kinds(&[END]).of(&scope.environment, name.parse().ok().as_ref());
        !wanted.may_be_in(&all)
    });
    assert!(missed.count() > 4, "the filter lets every function pass");
}
