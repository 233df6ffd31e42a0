//! What the tests call with bytes that may be anything: files with another home's keys.
//!
//! Not for the real fuzzer: the cryptographic library would be built for it, too. See
//! `docs/FUZZING.md`.

use super::Package;
use crate::FileRing;
use model::Scope;

/// A file with another home's keys. What is read has one spelling; nobody but its receiver opens
/// it, whoever it says that it is from.
fn class_keys(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let Ok(package) = Package::read(text) else { return Ok(()) };
    if package.to_string() != text {
        return Err("a text of another spelling is read".to_owned());
    }
    let ring = FileRing::from_root([7; 32]).map_err(|error| error.to_string())?;
    let own = ring.exchange(&Scope::default()).map_err(|error| error.to_string())?;
    match own.take(package.from, &package) {
        Ok(_) => Err("what nobody sealed for this home is opened".to_owned()),
        Err(_) => Ok(()),
    }
}

#[test]
fn class_keys_of_other_homes() {
    fuzzing::run("class_keys", 2000, class_keys);
}
