//! Splits bytes into messages as the wire does, all at once: what the fuzzer and the tests call.

use crate::framing::Framing;
use crate::head::{self, Limits};
use crate::violation::Violation;
use std::ops::Range;

/// Where a message stands in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The head, its empty line included.
    pub head: Range<usize>,
    /// The body as it is on the wire, chunk sizes included.
    pub body: Range<usize>,
    /// Whether the body is all there.
    pub complete: bool,
}

/// The messages at the beginning of `bytes`, and what stopped the walk, if not their end.
#[must_use]
pub fn messages(bytes: &[u8], limits: Limits) -> (Vec<Message>, Option<Violation>) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let head = match head::scan(rest, limits) {
            Ok(Some(head)) => head,
            Ok(None) => break,
            Err(violation) => return (found, Some(violation)),
        };
        let start = at + head.skip;
        let body = start + head.length;
        let mut framing = Framing::new(head.body);
        let end = match framing.pass(bytes.get(body..).unwrap_or_default()) {
            Ok(count) => body + count,
            Err(violation) => return (found, Some(violation)),
        };
        found.push(Message { head: start..body, body: body..end, complete: framing.is_over() });
        if !framing.is_over() {
            break;
        }
        at = end;
    }
    (found, None)
}
