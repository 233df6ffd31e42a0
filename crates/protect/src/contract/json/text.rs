//! Strings of JSON: what they say, and how it is written.

use std::borrow::Cow;

/// What a string says, from what stands between its quotes. Nothing if it holds half a surrogate
/// pair. The walk has seen that each escape is complete.
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, behind) = one(escape)?;
        text.push(character);
        rest = behind;
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// The character of an escape, behind its backslash, and what follows it.
fn one(escape: &str) -> Option<(char, &str)> {
    let kind = escape.chars().next()?;
    let rest = escape.get(kind.len_utf8()..)?;
    let character = match kind {
        '"' | '\\' | '/' => kind,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unit(rest),
        _ => return None,
    };
    Some((character, rest))
}

fn unit(rest: &str) -> Option<(char, &str)> {
    let four = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let (high, behind) = (four(rest)?, rest.get(4..)?);
    if let Some(character) = char::from_u32(u32::from(high)) {
        return Some((character, behind));
    }
    let low = four(behind.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([high, low]).next()?.ok()?;
    Some((character, behind.get(6..)?))
}

/// Writes a string with its quotes; only what must be escaped is.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_say_what_the_standard_says() {
        let raw = r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"#;
        assert_eq!(unescape(raw).expect("text"), "a\"\\/\u{8}\u{c}\n\r\té😀z");
        for half in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\u0041"] {
            assert_eq!(unescape(half), None, "{half}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text: String) {
            let mut out = Vec::new();
            escape(&text, &mut out);
            let raw = std::str::from_utf8(&out).expect("text");
            prop_assert_eq!(unescape(&raw[1..raw.len() - 1]).expect("text"), text);
        }
    }
}
