//! The ways in which a value is commonly written.

/// Every way, without those that are too short to mean something.
pub(super) fn of(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![value.to_vec()];
    all.extend([json(value, false), json(value, true)]);
    for (upper, plus) in [(true, false), (false, false), (true, true), (false, true)] {
        all.push(percent(value, upper, plus));
    }
    all.extend([hex(value, b"0123456789abcdef"), hex(value, b"0123456789ABCDEF")]);
    for alphabet in [STANDARD, URL] {
        all.extend((0..3).map(|before| base64(value, before, alphabet)));
    }
    all.retain(|form| form.len() >= super::VALUE_BYTES_MIN);
    all
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn digit(digits: &[u8], value: u8) -> u8 {
    digits.get(usize::from(value)).copied().unwrap_or(b'?')
}

/// In a JSON string: with what must be escaped, or also with `/` and all that is not ASCII.
fn json(value: &[u8], all: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    let mut out = Vec::with_capacity(value.len() + 8);
    for c in text.chars() {
        let short = match c {
            '"' | '\\' => Some(c),
            '/' if all => Some(c),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            _ => None,
        };
        if let Some(short) = short {
            out.extend(['\\', short].map(|c| u8::try_from(c).unwrap_or(b'?')));
        } else if u32::from(c) < 0x20 || (all && !c.is_ascii()) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out
}

/// In a URL or a form.
fn percent(value: &[u8], upper: bool, plus: bool) -> Vec<u8> {
    let digits: &[u8] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut out = Vec::with_capacity(value.len() * 3);
    for byte in value {
        match byte {
            b' ' if plus => out.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) => out.push(*byte),
            byte => out.extend([b'%', digit(digits, byte >> 4), digit(digits, byte & 15)]),
        }
    }
    out
}

fn hex(value: &[u8], digits: &[u8]) -> Vec<u8> {
    value.iter().flat_map(|byte| [digit(digits, byte >> 4), digit(digits, byte & 15)]).collect()
}

/// In base64, with `before` bytes of something else before it: the characters that depend on
/// nothing but the value.
fn base64(value: &[u8], before: usize, alphabet: &[u8]) -> Vec<u8> {
    // The first character that holds no bit of what is before, and the one behind the last whole.
    let first = (before * 8).div_ceil(6);
    let end = (before + value.len()) * 8 / 6;
    let bit = |at: usize| {
        let at = at - before * 8;
        value.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    };
    let character = |at: usize| {
        let bits = (at * 6..at * 6 + 6).fold(0, |sum, at| sum << 1 | u8::from(bit(at)));
        digit(alphabet, bits)
    };
    (first..end).map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &str) -> Vec<String> {
        of(value.as_bytes())
            .into_iter()
            .map(|form| String::from_utf8(form).expect("text"))
            .collect()
    }

    #[test]
    fn forms_are_those_that_programs_write() {
        let all = texts("hé \"llo/1");
        for form in [
            "hé \"llo/1",
            "hé \\\"llo/1",
            "h\\u00e9 \\\"llo\\/1",
            "h%C3%A9%20%22llo%2F1",
            "h%c3%a9+%22llo%2f1",
            "68c3a920226c6c6f2f31",
        ] {
            assert!(all.iter().any(|own| own == form), "{form}: {all:?}");
        }
    }

    #[test]
    fn base64_is_found_at_each_alignment() {
        // `printf 'xxsecret!value' | base64` and its like, whole.
        let all = texts("secret!value");
        for whole in ["c2VjcmV0IXZhbHVl", "eHNlY3JldCF2YWx1ZQ==", "eHhzZWNyZXQhdmFsdWU="] {
            assert!(all.iter().any(|form| whole.contains(form.as_str())), "{whole}: {all:?}");
        }
    }
}
