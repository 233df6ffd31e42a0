//! W3C Trace Context: the `traceparent` header (<https://www.w3.org/TR/trace-context/>, level 1).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A parsed `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceParent {
    /// The trace, not all zero.
    pub trace: [u8; 16],
    /// The caller's span, not all zero.
    pub span: [u8; 8],
    /// Flags; bit 0 is `sampled`.
    pub flags: u8,
}

impl TraceParent {
    /// Reads a header value; `None` for anything that the standard says to ignore.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let plain = bytes.len() >= 55 && bytes[2] == b'-' && bytes[35] == b'-' && bytes[52] == b'-';
        if !plain || !text.is_ascii() || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let mut version = [0];
        hex::decode_to_slice(&bytes[..2], &mut version).ok()?;
        let longer = bytes.len() > 55;
        if version[0] == 0xff || (version[0] == 0 && longer) || (longer && bytes[55] != b'-') {
            return None;
        }
        let (mut trace, mut span, mut flags) = ([0; 16], [0; 8], [0]);
        hex::decode_to_slice(&bytes[3..35], &mut trace).ok()?;
        hex::decode_to_slice(&bytes[36..52], &mut span).ok()?;
        hex::decode_to_slice(&bytes[53..55], &mut flags).ok()?;
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, flags: flags[0] })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", hex::encode(self.trace), hex::encode(self.span), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_the_standards_example() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(TraceParent::parse(text).expect("valid").to_string(), text);
    }

    #[test]
    fn ignores_what_the_standard_says_to_ignore() {
        for text in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
        ] {
            assert_eq!(TraceParent::parse(text), None, "{text}");
        }
    }
}
