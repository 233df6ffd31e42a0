//! Paths of URLs to text and back.

use std::borrow::Cow;

/// Decodes every percent-encoded byte; `None` if an escape is broken or the result is no text.
pub(super) fn decode(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = digit(bytes.next()?)?;
            out.push(high << 4 | digit(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes all but the unreserved characters and slashes (RFC 3986, section 2.3).
pub(super) fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_escapes_are_no_path() {
        for bad in ["/%", "/%2", "/%zz", "/%ff", "/%c0%af", "/%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(decode("/%2E%2e%2Fa").as_deref(), Some("/../a"), "text, and no way anywhere");
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes(path in "\\PC{0,30}") {
            let encoded = encode(&path);
            let decoded = decode(&encoded);
            prop_assert_eq!(decoded.as_deref(), Some(path.as_str()));
        }
    }
}
