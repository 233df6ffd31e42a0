//! What the tests call with bytes that may be anything: a component's first bytes, and the names
//! of its imports.
//!
//! What lies deeper is read by the compiler's own parser, in a child that is confined. See
//! `docs/FUZZING.md`.

use crate::fault::plain;
use crate::inspect::{check_bytes, is_offered};
use model::Code;
use model::manifest::Wasi;

/// A file. It passes if and only if it begins as a component does; a refusal quotes nothing of it.
/// Its text as the name of an import is offered only in a version 0.2.x of an interface of WASI,
/// and is printed plain and short.
fn component(bytes: &[u8]) -> Result<(), String> {
    let begins = bytes.get(..8) == Some(b"\0asm\x0d\0\x01\0".as_slice());
    match check_bytes(bytes) {
        Ok(()) if begins => {}
        Err(problem) if !begins && problem.code == Code::NotAComponent => {
            let detail = problem.detail.unwrap_or_default();
            if !detail.starts_with("the file ") || detail.len() > 64 {
                return Err(format!("it says {detail:?}"));
            }
        }
        other => return Err(format!("{other:?}")),
    }
    let name = String::from_utf8_lossy(bytes);
    if is_offered(&name, Wasi::V02) {
        let patch = name.strip_prefix("wasi:").and_then(|rest| rest.split_once("@0.2."));
        let number = patch.is_some_and(|(_, patch)| patch.bytes().all(|b| b.is_ascii_digit()));
        if !number || name.matches('@').count() != 1 {
            return Err(format!("{name:?} is offered"));
        }
    }
    let shown = plain(&name, 64);
    match shown.len() <= 64 && !shown.contains(char::is_control) {
        true => Ok(()),
        false => Err(format!("{shown:?} is not plain")),
    }
}

#[test]
fn components() {
    fuzzing::run("component", 4000, component);
}
