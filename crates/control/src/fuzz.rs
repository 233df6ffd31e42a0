//! What the fuzzer and the tests call: the key of a write that may come twice.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::idempotency::stored_key;
use axum::http::HeaderValue;
use model::{EnvironmentName, Scope, TenantName};

/// Two lines of three words: tenant, environment, key. A key is 1 to 255 printable characters; two
/// requests share what is stored under it if and only if all three are the same.
///
/// # Errors
/// The promise that was broken.
pub fn idempotency(bytes: &[u8]) -> Result<(), String> {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (one, two) = (read(lines.next()), read(lines.next()));
    for request in [&one, &two].into_iter().flatten() {
        let (scope, value) = request;
        let printable = value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte));
        let good = printable && (1..=255).contains(&value.len());
        if stored_key(scope, value).is_some() != good {
            return Err(format!("{value:?} is taken or refused wrongly"));
        }
    }
    let (Some(one), Some(two)) = (one, two) else { return Ok(()) };
    let stored = stored_key(&one.0, &one.1).zip(stored_key(&two.0, &two.1));
    match stored {
        Some((first, second)) if (first == second) != (one == two) => {
            Err(format!("{one:?} and {two:?} are taken for each other"))
        }
        _ => Ok(()),
    }
}

fn read(line: Option<&[u8]>) -> Option<(Scope, HeaderValue)> {
    let mut words = line?.splitn(3, |byte| *byte == b' ');
    let mut word = || words.next();
    let tenant = TenantName::parse(std::str::from_utf8(word()?).ok()?).ok()?;
    let environment = EnvironmentName::parse(std::str::from_utf8(word()?).ok()?).ok()?;
    Some((Scope { tenant, environment }, HeaderValue::from_bytes(word()?).ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn idempotency() {
        fuzzing::run("idempotency", 4000, super::idempotency);
    }
}
