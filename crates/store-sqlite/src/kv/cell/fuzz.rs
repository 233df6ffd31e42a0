//! What the tests call with bytes that may be anything: what lies in a cell, sealed or not.
//!
//! Not for the real fuzzer: the cryptographic library would be built for it, too. See
//! `docs/FUZZING.md`.

use super::super::keys::{Family, Place, Sort};
use super::seal;
use ::keys::FileRing;
use model::Labels;
use model::key::Epoch;
use std::sync::{Arc, LazyLock};

const FIRST: Epoch = Epoch(1);

static KEYS: LazyLock<Family> = LazyLock::new(|| {
    let ring = FileRing::from_root([7; 32]).expect("a ring");
    Family::new(Arc::new(ring), &["kv", "default", "main", "carts"])
});

/// What a cell holds, with labels before it or without. Bytes that nobody sealed are no cell; a
/// value is itself; what is read with labels ends as what was sealed, and comes back when it is
/// sealed again.
fn kv_cell(bytes: &[u8]) -> Result<(), String> {
    let place = Place { sort: Sort::Cell, store: 1, version: 1, key: b"k" };
    let failed = |error| format!("it cannot be sealed: {error}");
    let keys = KEYS.newest().map_err(failed)?;
    let unseal = |sealed: &[u8]| super::unseal(&KEYS, FIRST, place, sealed);
    if unseal(bytes).is_some() {
        return Err("nobody sealed it, and it is opened".to_owned());
    }
    let plain = seal(&keys, place, bytes, &Labels::NONE).map_err(failed)?;
    match unseal(&plain) {
        Some((value, labels)) if *value == *bytes && labels.is_empty() => {}
        _ => return Err("a value is another".to_owned()),
    }
    let sealed = keys.seal(Place { sort: Sort::Labelled, ..place }, bytes).map_err(failed)?;
    let Some((value, labels)) = unseal(&sealed) else { return Ok(()) };
    if !bytes.ends_with(&value) {
        return Err("the value is not what stands behind the labels".to_owned());
    }
    let again = seal(&keys, place, &value, &labels).map_err(failed)?;
    match unseal(&again) {
        Some(read) if read == (value, labels) => Ok(()),
        _ => Err("sealed again, it is another".to_owned()),
    }
}

#[test]
fn cells() {
    fuzzing::run("kv_cell", 2000, kv_cell);
}
