//! That every change of a log is found, and that what is named is what was changed.

use super::{EDGES, ORIGIN, TestSigner, key, leaf, leaf_saying, log, log_of};
use crate::checkpoint::{Checkpoint, Error as CheckpointError};
use crate::{EMPTY_ROOT, Finding, Snapshot, VerifierKey, note, verify};
use model::Code;
use ports::keyring::Signer;
use ports::ledger::Tile;
use proptest::prelude::*;
use proptest::sample::Index;

fn finding(log: &Snapshot) -> Finding {
    verify(log, &key(), None).expect_err("something is wrong with this log")
}

fn kept(log: &Snapshot) -> &str {
    &log.checkpoints.last().unwrap().1
}

#[test]
fn a_log_in_order_passes_and_continues_each_of_its_past_checkpoints() {
    for size in EDGES {
        let log = log(size);
        let verified = verify(&log, &key(), None).unwrap();
        assert_eq!((verified.size, verified.since), (size, None));
        assert_eq!(verified.checkpoint.as_deref(), Some(kept(&log)));
        for past in EDGES.into_iter().filter(|past| *past <= size) {
            let note = &log.checkpoints[past as usize - 1].1;
            assert_eq!(verify(&log, &key(), Some(note)).unwrap().since, Some(past));
        }
    }
}

#[test]
fn an_empty_log_is_in_order() {
    let verified = verify(&Snapshot::default(), &key(), None).unwrap();
    assert_eq!((verified.size, verified.root, verified.checkpoint), (0, EMPTY_ROOT, None));
    let none = Checkpoint { origin: ORIGIN.to_owned(), size: 0, root: EMPTY_ROOT };
    let none = none.sign(&key(), &TestSigner::new(1));
    for size in [0, 3] {
        assert_eq!(verify(&log(size), &key(), Some(&none)).unwrap().since, Some(0));
    }
}

fn changed_leaf(
    log: &mut Snapshot,
    number: u64,
    place: impl Fn(usize) -> usize,
    flip: u8,
) -> Finding {
    let leaf = &mut log.leaves[number as usize];
    let at = place(leaf.len());
    leaf[at] ^= flip;
    finding(log)
}

fn changed_tile(
    log: &mut Snapshot,
    tile: usize,
    place: impl Fn(usize) -> usize,
    flip: u8,
) -> (Finding, (u8, u64)) {
    let tile = &mut log.tiles[tile];
    let at = place(tile.hashes.len());
    tile.hashes[at] ^= flip;
    let at = (tile.level, tile.index);
    (finding(log), at)
}

#[test]
fn a_changed_byte_of_every_tile_is_found_where_tiles_fill_up() {
    for size in EDGES {
        for tile in 0..log(size).tiles.len() {
            for place in
                [|_| 0, |length| length / 2, |length| length - 1] as [fn(usize) -> usize; 3]
            {
                let (found, (level, index)) = changed_tile(&mut log(size), tile, place, 0x80);
                assert!(
                    matches!(found, Finding::TileAltered { level: l, index: i, .. } if (l, i) == (level, index)),
                    "size {size}, tile {level}/{index}: {found:?}"
                );
                assert_eq!(found.problem().code, Code::TileAltered);
            }
        }
    }
}

#[test]
fn a_changed_byte_of_the_first_and_last_leaf_is_found_where_tiles_fill_up() {
    for size in EDGES {
        for number in [0, size / 2, size - 1] {
            let found = changed_leaf(&mut log(size), number, |_| 0, 1);
            assert_eq!(found, Finding::LeafAltered { number });
            assert_eq!(found.problem().code, Code::LeafAltered);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_changed_byte_of_any_leaf_is_found_and_named(
        size in 1u64..=600, number: Index, byte: Index, flip in 1u8..,
    ) {
        let number = number.index(size as usize) as u64;
        let found = changed_leaf(&mut log(size), number, |length| byte.index(length), flip);
        prop_assert_eq!(found, Finding::LeafAltered { number });
    }

    #[test]
    fn any_changed_byte_of_any_tile_is_found_and_named(
        size in 1u64..=600, tile: Index, byte: Index, flip in 1u8..,
    ) {
        let mut log = log(size);
        let tile = tile.index(log.tiles.len());
        let (found, place) = changed_tile(&mut log, tile, |length| byte.index(length), flip);
        let Finding::TileAltered { level, index, .. } = found else { panic!("{found:?}") };
        prop_assert_eq!((level, index), place);
    }

    #[test]
    fn any_changed_character_of_any_checkpoint_is_found_and_named(
        size in 1u64..=600, number: Index, at: Index, other: char,
    ) {
        let mut log = log(size);
        let number = number.index(log.checkpoints.len());
        let note = &mut log.checkpoints[number].1;
        let mut chars: Vec<char> = note.chars().collect();
        let at = at.index(chars.len());
        prop_assume!(chars[at] != other);
        chars[at] = other;
        *note = chars.into_iter().collect();
        let found = finding(&log);
        let Finding::CheckpointAltered { size, .. } = found else { panic!("{found:?}") };
        prop_assert_eq!(size, number as u64 + 1);
        prop_assert_eq!(found.code(), Code::CheckpointInvalid);
    }

    /// A ledger that grew by entries of any length, is exported and read again, passes, continues
    /// whatever checkpoint was kept on the way, and continues none that it has yet to reach.
    #[test]
    fn a_log_of_any_size_passes_and_continues_what_was_kept_on_the_way(
        lengths in proptest::collection::vec(0usize..600, 1..300), kept_at: Index, cut_at: Index,
    ) {
        let leaves = (0u64..).zip(&lengths).map(|(seq, length)| leaf_saying(seq, &"1".repeat(*length)));
        let whole = log_of(leaves);
        let whole = crate::import(crate::export(&whole).unwrap()).unwrap();
        let size = lengths.len() as u64;
        let kept_size = kept_at.index(lengths.len()) as u64 + 1;
        let note = &whole.checkpoints[kept_size as usize - 1].1;
        let verified = verify(&whole, &key(), Some(note)).unwrap();
        prop_assert_eq!((verified.size, verified.since), (size, Some(kept_size)));
        let cut_size = cut_at.index(lengths.len()) as u64 + 1;
        let leaves = (0..cut_size).map(|seq| leaf_saying(seq, &"1".repeat(lengths[seq as usize])));
        let cut = verify(&log_of(leaves), &key(), Some(note));
        match cut_size < kept_size {
            true => prop_assert_eq!(cut, Err(Finding::CutOff { kept: kept_size, size: cut_size })),
            false => prop_assert_eq!(cut.unwrap().since, Some(kept_size)),
        }
    }

    #[test]
    fn whatever_is_missing_is_found(size in 1u64..=600, which: Index, kind in 0..3) {
        let mut log = log(size);
        let found = match kind {
            0 => {
                let number = which.index(size as usize);
                log.leaves.remove(number);
                let number = number as u64;
                let expected = if number == size - 1 {
                    Finding::LeafMissing { number, size }
                } else {
                    Finding::LeafAltered { number }
                };
                (finding(&log), expected)
            }
            1 => {
                let Tile { level, index, .. } = log.tiles.remove(which.index(log.tiles.len()));
                (finding(&log), Finding::TileMissing { level, index })
            }
            _ => {
                let (size, _) = log.checkpoints.remove(which.index(size as usize));
                (finding(&log), Finding::CheckpointMissing { size })
            }
        };
        prop_assert_eq!(found.0, found.1);
    }

    #[test]
    fn a_history_rewritten_with_the_key_is_found_with_a_kept_checkpoint(
        size in 1u64..=300, changed: Index, kept_at: Index,
    ) {
        let changed = changed.index(size as usize) as u64;
        let kept_size = kept_at.index(size as usize) as u64 + 1;
        let original = log(size);
        let forged = log_of((0..size).map(|seq| match seq == changed {
            true => leaf_saying(seq, "6.6.6"),
            false => leaf(seq),
        }));
        prop_assert!(verify(&forged, &key(), None).is_ok(), "it agrees with itself");
        let note = &original.checkpoints[kept_size as usize - 1].1;
        let found = verify(&forged, &key(), Some(note));
        if changed < kept_size {
            prop_assert_eq!(found.unwrap_err(), Finding::Rewritten { kept: kept_size });
        } else {
            prop_assert_eq!(found.unwrap().since, Some(kept_size));
        }
    }

    #[test]
    fn a_history_rewritten_without_the_key_is_found_at_the_first_wrong_root(
        size in 1u64..=300, changed: Index,
    ) {
        let changed = changed.index(size as usize) as u64;
        let mut forged = log_of((0..size).map(|seq| match seq == changed {
            true => leaf_saying(seq, "6.6.6"),
            false => leaf(seq),
        }));
        forged.checkpoints = log(size).checkpoints;
        prop_assert_eq!(finding(&forged), Finding::RootDiffers { size: changed + 1 });
    }
}

#[test]
fn a_leaf_changed_together_with_its_tile_is_found_above_it() {
    let forge = |number: u64| {
        let mut log = log(257);
        let bytes = leaf_saying(number, "6.6.6");
        let (tile, at) = (number as usize / 256, number as usize % 256 * 32);
        log.tiles[tile].hashes[at..at + 32].copy_from_slice(&crate::hash::leaf(&bytes));
        log.leaves[number as usize] = bytes;
        finding(&log)
    };
    assert!(matches!(forge(3), Finding::TileAltered { level: 0, index: 0, .. }));
    // Above the last, partial tile there is only the signature.
    assert_eq!(forge(256), Finding::RootDiffers { size: 257 });
}

#[test]
fn a_log_that_was_cut_off_is_found_with_a_kept_checkpoint() {
    let whole = log(300);
    let cut = log(257);
    assert!(verify(&cut, &key(), None).is_ok());
    let found = verify(&cut, &key(), Some(kept(&whole))).unwrap_err();
    assert_eq!(found, Finding::CutOff { kept: 300, size: 257 });
    assert_eq!(found.problem().code, Code::NotAPrefix);
}

#[test]
fn a_kept_checkpoint_of_another_ledger_is_refused() {
    let signer = TestSigner::new(2);
    let other = VerifierKey::new(ORIGIN, signer.public_key()).unwrap();
    let root = Checkpoint::open(kept(&log(3)), &key()).unwrap().root;
    let foreign = Checkpoint { origin: ORIGIN.to_owned(), size: 3, root }.sign(&other, &signer);
    for text in [foreign.as_str(), "", "\n\n", "no checkpoint"] {
        let found = verify(&log(3), &key(), Some(text)).unwrap_err();
        assert!(matches!(found, Finding::KeptForeign { .. }), "{found:?}");
        assert_eq!(found.code(), Code::NotAPrefix);
    }
}

#[test]
fn a_log_that_another_key_signed_is_refused() {
    let other = VerifierKey::new(ORIGIN, TestSigner::new(2).public_key()).unwrap();
    let source = CheckpointError::Note(note::Error::Unsigned);
    let found = verify(&log(3), &other, None).unwrap_err();
    assert_eq!(found, Finding::CheckpointAltered { size: 1, source });
}

#[test]
fn a_leaf_that_was_added_is_found() {
    let mut log = log(256);
    log.leaves.push(leaf(256));
    assert_eq!(finding(&log), Finding::LeafAdded { number: 256, size: 256 });
    let mut empty = Snapshot { leaves: vec![leaf(0)], ..Snapshot::default() };
    assert_eq!(finding(&empty), Finding::LeafAdded { number: 0, size: 0 });
    empty.tiles = super::log(1).tiles;
    assert_eq!(finding(&empty), Finding::CheckpointMissing { size: 1 });
}

#[test]
fn a_tile_that_was_added_or_doubled_is_found() {
    let mut log = log(3);
    log.tiles.push(Tile { level: 1, index: 0, hashes: vec![0; 32] });
    assert_eq!(finding(&log), Finding::TileAdded { level: 1, index: 0, size: 3 });
    let mut log = super::log(3);
    log.tiles.push(log.tiles[0].clone());
    assert_eq!(finding(&log), Finding::TileAdded { level: 0, index: 0, size: 3 });
}

#[test]
fn a_tile_that_was_cut_or_made_longer_is_found() {
    for length in [0, 31, 32, 64, 95, 97, 128] {
        let mut log = log(3);
        log.tiles[0].hashes.resize(length, 0);
        let found = finding(&log);
        assert!(matches!(found, Finding::TileAltered { level: 0, index: 0, .. }), "{length}");
    }
}

#[test]
fn checkpoints_that_changed_places_or_came_twice_are_found() {
    let mut log = log(3);
    log.checkpoints.swap(0, 1);
    assert_eq!(finding(&log), Finding::CheckpointMissing { size: 1 });
    let mut log = super::log(3);
    log.checkpoints.push(log.checkpoints[2].clone());
    assert_eq!(finding(&log), Finding::CheckpointAdded { size: 3 });
    let mut log = super::log(3);
    log.checkpoints[1].1 = log.checkpoints[0].1.clone();
    let source = CheckpointError::Size { size: 1 };
    assert_eq!(finding(&log), Finding::CheckpointAltered { size: 2, source });
}

#[test]
fn a_signature_that_was_added_to_a_checkpoint_is_found() {
    let mut log = log(1);
    let added = log.checkpoints[0].1.replace(ORIGIN, "else.example");
    let line = added.lines().last().unwrap();
    log.checkpoints[0].1 += &format!("{line}\n");
    let source = CheckpointError::Added;
    assert_eq!(finding(&log), Finding::CheckpointAltered { size: 1, source });
}

#[test]
fn leaves_that_are_signed_and_wrong_are_found() {
    let found = finding(&log_of([leaf(0), leaf(7)]));
    assert_eq!(found, Finding::LeafMisplaced { number: 1, seq: 7 });
    for bytes in [Vec::new(), b"{}".to_vec(), b"\xff".to_vec()] {
        let found = finding(&log_of([leaf(0), bytes]));
        assert!(matches!(found, Finding::LeafUnreadable { number: 1, .. }), "{found:?}");
    }
    let newer = String::from_utf8(leaf(0)).unwrap().replace(r#""v":1"#, r#""v":2"#);
    let found = finding(&log_of([newer.into_bytes()]));
    assert!(matches!(found, Finding::LeafUnreadable { number: 0, .. }), "{found:?}");
}

#[test]
fn a_problem_names_what_was_changed_and_why() {
    let mut log = log(2);
    log.checkpoints[1].1.push('\n');
    let problem = finding(&log).problem();
    assert_eq!(problem.code, Code::CheckpointInvalid);
    let detail = problem.detail.unwrap();
    assert!(detail.starts_with("the checkpoint over 2 entries is not valid: "), "{detail}");
}
