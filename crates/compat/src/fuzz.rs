//! What the fuzzer and the tests call: names of functions, and paths.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::arn::Named;
use crate::route::{Asked, operations};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

fn hold(kept: bool, promise: &str) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_owned()) }
}

/// A function's name, a line, and a path. A name that is read is one of AWS's alphabet, and its ARN
/// is read as the same; a path that is found names as much as its operation leaves open, and no part
/// of another path.
///
/// # Errors
/// The promise that was broken.
pub fn named(bytes: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(bytes);
    let (name, path) = text.split_once('\n').unwrap_or((&text, ""));
    if let Ok(named) = Named::read(name, None) {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        hold(!named.name.is_empty() && named.name.bytes().all(word), "a name of other letters")?;
        let again = Named::read(&named.arn("us-east-1"), None);
        let same =
            again.is_ok_and(|again| again.name == named.name && again.qualifier == named.qualifier);
        hold(same || named.name.len() > 90, "an ARN is read as another function's")?;
    }
    for row in operations() {
        if let Ok(asked) = Asked::find(row.method, path, None) {
            hold(!asked.named.iter().any(String::is_empty), "an open part is empty")?;
            hold(!path.contains("//") && !path.contains("/../"), "a path has two meanings")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_paths_keep_their_promises() {
        fuzzing::run("named", 4000, super::named);
    }
}
