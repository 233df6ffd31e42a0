//! Names that differ from one of the contract's in case alone.
//!
//! Some readers take them for the same (Go's `encoding/json`, ASP.NET), so that a function would see
//! what the contract did not.

use super::Fault;

/// What is said of such a name.
pub(super) const WHY: &str = "a name differs from one of the contract's in case alone";

/// Whether a name is like one of these, and none of them.
pub(super) fn is_like<'n, N: Iterator<Item = &'n str>>(names: impl Fn() -> N, name: &str) -> bool {
    names().any(|own| own.eq_ignore_ascii_case(name)) && !names().any(|own| own == name)
}

/// Refuses a form or a query in which a name is like one of these.
pub(super) fn refuse(names: &[&str], document: &[u8]) -> Result<(), Fault> {
    if names.is_empty() {
        return Ok(());
    }
    for pair in document.split(|byte| *byte == b'&') {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        if is_like(|| names.iter().copied(), &decoded(name)) {
            return Err(Fault::form(WHY));
        }
    }
    Ok(())
}

/// A name as it is meant. A broken escape stays as it is.
fn decoded(name: &[u8]) -> String {
    let hex = |at: usize| name.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(name.len()), 0);
    while let Some(byte) = name.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (other, ..) => out.push(*other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
