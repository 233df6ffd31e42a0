//! What a cell seals: a value, and what it is known to contain.
//!
//! A value of which nothing is known is sealed as it is, as it always was. Labels stand before a
//! value behind their length, and both are sealed as another sort of row, so that neither can be
//! taken for the other.

use super::keys::{Family, Keys, Place, Sort};
use bytes::Bytes;
use model::Labels;
use model::key::Epoch;
use ports::keyring::Error;

/// The first byte of what stands before a value.
const VERSION: u8 = 1;

/// Seals a value. `place` is that of the cell.
pub(super) fn seal(
    keys: &Keys,
    place: Place<'_>,
    value: &[u8],
    labels: &Labels,
) -> Result<Vec<u8>, Error> {
    let text = labels.to_string();
    let Some(length) = u32::try_from(text.len()).ok().filter(|length| *length > 0) else {
        return keys.seal(place, value);
    };
    let mut plain = Vec::with_capacity(5 + text.len() + value.len());
    plain.push(VERSION);
    plain.extend(length.to_be_bytes());
    plain.extend(text.as_bytes());
    plain.extend(value);
    keys.seal(Place { sort: Sort::Labelled, ..place }, &plain)
}

/// Opens a cell. Nothing if it is not what was written there, or was sealed with an epoch below
/// `floor`.
pub(super) fn unseal(
    keys: &Family,
    floor: Epoch,
    place: Place<'_>,
    sealed: &[u8],
) -> Option<(Bytes, Labels)> {
    if let Some((_, value)) = keys.unseal(floor, place, sealed) {
        return Some((value.into(), Labels::NONE));
    }
    let (_, plain) = keys.unseal(floor, Place { sort: Sort::Labelled, ..place }, sealed)?;
    let plain = Bytes::from(plain);
    let (version, rest) = plain.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>().filter(|_| *version == VERSION)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let text = std::str::from_utf8(rest.get(..length)?).ok()?;
    Some((plain.slice(5 + length..), Labels::parse(text)))
}

/// What becomes of a cell that is to be sealed anew.
pub(super) enum Resealed {
    /// It is sealed with that epoch, or a newer one.
    There,
    /// It says the same, in as many bytes, and this is it.
    Anew(Vec<u8>),
    /// It is not what was written there.
    Changed,
}

/// Seals a cell with the keys of another epoch, for the place that it has.
pub(super) fn reseal(
    family: &Family,
    (floor, to): (Epoch, &Keys),
    place: Place<'_>,
    sealed: &[u8],
) -> Result<Resealed, Error> {
    for sort in [Sort::Cell, Sort::Labelled] {
        let place = Place { sort, ..place };
        match family.unseal(floor, place, sealed) {
            Some((epoch, _)) if epoch >= to.epoch() => return Ok(Resealed::There),
            Some((_, plain)) => return to.seal(place, &plain).map(Resealed::Anew),
            None => {}
        }
    }
    Ok(Resealed::Changed)
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use ::keys::FileRing;
    use proptest::prelude::*;
    use std::sync::Arc;

    const FIRST: Epoch = Epoch(1);

    fn keys() -> Family {
        let ring = FileRing::from_root([7; 32]).expect("a ring");
        Family::new(Arc::new(ring), &["kv", "default", "main", "carts"])
    }

    fn place(version: u64) -> Place<'static> {
        Place { sort: Sort::Cell, store: 1, version, key: b"k" }
    }

    proptest! {
        #[test]
        fn a_cell_is_opened_as_what_it_was_sealed_as(
            value in proptest::collection::vec(any::<u8>(), 0..40),
            labels in proptest::collection::vec("[a-z]{1,6}[.][a-z]{1,6}", 0..4),
        ) {
            let family = keys();
            let keys = family.newest().expect("keys");
            let labels = Labels::parse(&labels.join(","));
            let sealed = seal(&keys, place(1), &value, &labels).expect("sealed");
            let (read, known) = unseal(&family, FIRST, place(1), &sealed).expect("opened");
            prop_assert_eq!((&*read, &known), (value.as_slice(), &labels));
            let plain = keys.plain_bytes(sealed.len() as u64);
            prop_assert_eq!(plain, value.len() as u64 + labels.stored_bytes());
            prop_assert!(unseal(&family, FIRST, place(2), &sealed).is_none(), "of another version");
            prop_assert!(unseal(&family, Epoch(2), place(1), &sealed).is_none(), "too old");
            // What stands before a value is no value, and a value never stands for labels.
            prop_assert_eq!(keys.unseal(place(1), &sealed).is_ok(), labels.is_empty());
        }
    }
}
