//! What the tests call with bytes that may be anything: root key files, and copies of them.
//!
//! Not for the real fuzzer: the cryptographic library would be built for it, too. See
//! `docs/FUZZING.md`.

use super::form::{Form, decode, encode};
use super::{VERSION, VERSION_1};

/// A root key file. What is read is written again, and that is read as the same; a file of the
/// second version has one spelling. A sealed one says no more than it may cost to open.
fn root_key(bytes: &[u8]) -> Result<(), String> {
    let Ok(form) = decode(bytes) else { return Ok(()) };
    let made = form.made();
    if made.is_empty() || made.windows(2).any(|two| two[0].epoch >= two[1].epoch) {
        return Err(format!("its epochs do not grow: {made:?}"));
    }
    let roots = match form {
        Form::Sealed(_) if form.cost().is_none_or(|cost| !cost.is_bearable()) => {
            return Err("it may cost what it wants".to_owned());
        }
        Form::Sealed(_) => return Ok(()),
        Form::Open(roots) => roots,
    };
    let again = encode(&roots, None).map_err(|error| error.to_string())?;
    match decode(again.as_bytes()) {
        Ok(Form::Open(read)) if read.all().map(|root| root.made()).eq(made) => {}
        _ => return Err("what was written is read as something else".to_owned()),
    }
    // Capital digits were never refused in keys, and a first version is written as a second.
    let same = again.as_bytes().eq_ignore_ascii_case(bytes);
    let first = bytes.starts_with(VERSION_1.as_bytes());
    if same || (first && again.starts_with(VERSION)) {
        return Ok(());
    }
    Err("a text of another spelling is read".to_owned())
}

#[test]
fn root_keys() {
    fuzzing::run("root_key", 5000, root_key);
}
