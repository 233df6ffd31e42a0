//! What a ring derives, from one root and from several.

use super::*;
use crate::across::Across;

/// A ring that was rotated: the root of each epoch is filled with one byte.
fn rotated(roots: &[u8]) -> FileRing {
    let root = |(at, byte): (usize, &u8)| {
        Root::new(Epoch(at as u32 + 1), None, Secret::new([*byte; 32])).unwrap()
    };
    FileRing::new(Roots::all_of(roots.iter().enumerate().map(root).collect()).unwrap(), None)
}

fn ring(root: u8) -> FileRing {
    FileRing::from_root([root; 32]).unwrap()
}

fn sealed(ring: &FileRing, purpose: KeyPurpose, context: &[&str]) -> Vec<u8> {
    let mut buffer = b"text".to_vec();
    ring.sealer(ring.epoch(), purpose, context).unwrap().seal(b"p", &mut buffer, 0).unwrap();
    buffer
}

fn opens(ring: &FileRing, purpose: KeyPurpose, context: &[&str], sealed: &[u8]) -> bool {
    ring.sealer(ring.epoch(), purpose, context).unwrap().unseal(b"p", sealed).is_ok()
}

#[test]
fn only_the_same_root_purpose_and_context_unseals() {
    let own = ring(1);
    let text = sealed(&own, KeyPurpose::Value, &["acme", "main"]);
    assert!(opens(&own, KeyPurpose::Value, &["acme", "main"], &text));
    assert!(opens(&ring(1), KeyPurpose::Value, &["acme", "main"], &text));
    assert!(!opens(&own, KeyPurpose::Journal, &["acme", "main"], &text));
    assert!(!opens(&own, KeyPurpose::Value, &["acme", "test"], &text));
    assert!(!opens(&own, KeyPurpose::Value, &["acmemain"], &text));
    assert!(!opens(&ring(2), KeyPurpose::Value, &["acme", "main"], &text));
}

#[test]
fn another_epoch_is_an_error() {
    let ring = ring(1);
    let other = Epoch(2);
    let purpose = KeyPurpose::Value;
    assert!(matches!(ring.sealer(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
    assert!(matches!(ring.signer(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
    assert!(matches!(ring.hash_key(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
    assert!(matches!(ring.data_key(other, purpose, &[]), Err(Error::UnknownEpoch(Epoch(2)))));
}

#[test]
fn signers_are_stable_and_bound_to_their_name() {
    let public = |context: &[&str]| {
        ring(1).signer(Epoch(1), KeyPurpose::Ledger, context).unwrap().public_key()
    };
    assert_eq!(public(&["a"]), public(&["a"]));
    assert_ne!(public(&["a"]), public(&["b"]));
}

#[test]
fn the_hash_key_is_not_the_key_that_signs() {
    let ring = ring(1);
    let hash = ring.hash_key(Epoch(1), KeyPurpose::Ledger, &["a"]).unwrap();
    let signer = ring.signer(Epoch(1), KeyPurpose::Ledger, &["a"]).unwrap();
    assert_ne!(EdSigner::new(&hash).unwrap().public_key(), signer.public_key());
}

#[test]
fn a_key_for_data_is_bound_to_its_name_and_begins_like_no_other_key() {
    let ring = ring(1);
    let data =
        |purpose, context: &[&str]| *ring.data_key(Epoch(1), purpose, context).unwrap().expose();
    let own = data(KeyPurpose::Token, &["a", "main", "pan"]);
    assert_ne!(own, data(KeyPurpose::FormatCipher, &["a", "main", "pan"]));
    assert_ne!(own, data(KeyPurpose::Token, &["b", "main", "pan"]));
    assert_ne!(own[..32], own[32..]);
    let hash = ring.hash_key(Epoch(1), KeyPurpose::Token, &["a", "main", "pan"]).unwrap();
    assert_ne!(own[..32], hash.expose()[..]);
}

#[test]
fn a_fingerprint_tells_roots_apart() {
    assert_ne!(ring(1).fingerprint(), ring(2).fingerprint());
    assert_eq!(ring(1).fingerprint().len(), 32);
    assert!(ring(1).expect_fingerprint(ring(1).fingerprint()).is_ok());
    let wrong = ring(1).expect_fingerprint(ring(2).fingerprint());
    assert!(matches!(wrong, Err(FileError::Wrong { .. })));
    assert!(ring(1).expect_fingerprint("").is_err());
}

#[test]
fn debug_does_not_show_the_root() {
    let shown = format!("{:?}", ring(0xab));
    assert!(!shown.contains("171") && !shown.contains("abab"), "{shown}");
}

#[test]
fn after_a_rotation_new_things_have_a_new_root_and_old_ones_are_read() {
    let (before, after) = (rotated(&[1]), rotated(&[1, 2]));
    let purpose = KeyPurpose::Value;
    let text = sealed(&before, purpose, &["a"]);
    assert_eq!((after.epoch(), after.founding()), (Epoch(2), Epoch(1)));
    assert_eq!(after.epochs(), [Epoch(1), Epoch(2)]);
    let old = after.sealer(Epoch(1), purpose, &["a"]).unwrap();
    assert_eq!(old.unseal(b"p", &text).unwrap(), b"text");
    assert!(!opens(&after, purpose, &["a"], &text), "the newest root opens what an older sealed");
    let new = sealed(&after, purpose, &["a"]);
    assert!(old.unseal(b"p", &new).is_err());
    assert!(matches!(after.sealer(Epoch(3), purpose, &[]), Err(Error::UnknownEpoch(Epoch(3)))));
}

/// Two epochs with one root would still be two keys: the epoch is part of every name.
#[test]
fn an_epoch_is_part_of_the_name_even_where_the_root_is_the_same() {
    let ring = rotated(&[1, 1]);
    let key = |epoch| *ring.hash_key(epoch, KeyPurpose::Value, &[]).unwrap().expose();
    assert_ne!(key(Epoch(1)), key(Epoch(2)));
}

#[test]
fn a_ring_begins_with_its_first_root_for_ever() {
    let (before, after) = (rotated(&[1]), rotated(&[1, 2]));
    assert_eq!(before.fingerprint(), after.fingerprint());
    assert!(after.expect_epoch(Epoch(2), &rotated(&[7, 2]).made()[1].fingerprint).is_ok());
    let another = after.expect_epoch(Epoch(2), &rotated(&[1, 3]).made()[1].fingerprint);
    assert!(matches!(another, Err(FileError::Wrong { .. })));
    let older = before.expect_epoch(Epoch(2), &after.made()[1].fingerprint);
    assert!(matches!(older, Err(FileError::Older { known: Epoch(2), newest: Epoch(1) })));
}

#[test]
fn what_has_no_room_for_an_epoch_is_sealed_with_the_newest_and_opened_with_any() {
    let ring = Arc::new(rotated(&[1]));
    let across = Across::new(Arc::clone(&ring) as _, KeyPurpose::Certificate, &["c"]);
    let seal = || {
        let mut buffer = b"text".to_vec();
        across.seal(b"p", &mut buffer, 0).unwrap();
        buffer
    };
    let old = seal();
    ring.adopt(rotated(&[1, 2]).roots());
    let new = seal();
    assert_eq!(across.unseal(b"p", &old).unwrap(), b"text");
    assert_eq!(across.unseal(b"p", &new).unwrap(), b"text");
    assert!(opens(&ring, KeyPurpose::Certificate, &["c"], &new), "not sealed with the newest");
    assert!(!opens(&ring, KeyPurpose::Certificate, &["c"], &old));
    assert!(across.unseal(b"q", &new).is_err(), "the place counts");
    assert!(Across::new(ring, KeyPurpose::Secret, &["c"]).unseal(b"p", &new).is_err());
}
