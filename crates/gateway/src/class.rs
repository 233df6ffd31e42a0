//! Which bytes may stand where (RFC 9110, section 5.6.2; RFC 3986; RFC 9112, section 5).
//!
//! Invariant: every byte of a target that is let through is one that `http::Uri` takes too, so
//! that hyper does not refuse what the scanner passed.

/// Bytes of a token: methods and field names.
pub(crate) const TOKEN: u8 = 1;
/// Bytes of a path.
pub(crate) const PATH: u8 = 2;
/// Bytes of a query.
pub(crate) const QUERY: u8 = 4;
/// Bytes of a registered name or an IPv4 address.
pub(crate) const HOST: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0u8;
    // Bytes from 128 on are in no class.
    while byte < 128 {
        table[byte as usize] = class_of(byte);
        byte += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    let mut class = 0;
    if byte.is_ascii_alphanumeric() {
        class |= TOKEN | HOST;
    }
    if matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~') {
        class |= TOKEN;
    }
    if matches!(byte, b'-' | b'.' | b'_') {
        class |= HOST;
    }
    // What browsers leave as it is in a query, though RFC 3986 would have it encoded, is taken.
    if matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~') {
        class |= QUERY;
        // A backslash is a slash to some servers; braces and the grave accent are never raw.
        if !matches!(byte, b'?' | b'\\' | b'`' | b'{' | b'}') {
            class |= PATH;
        }
    }
    class
}

/// Whether all bytes are of `class`.
pub(crate) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| is(byte, class))
}

/// Whether a byte is of `class`.
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Whether a field's value has no control characters except tabs. Written without an early exit,
/// so that the compiler makes vector instructions of it.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |bad, &byte| bad | u8::from(!is_value_byte(byte))) == 0
}

/// Whether a byte may stand in a field's value.
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    (byte >= b' ' || byte == b'\t') && byte != 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_byte_is_one_that_the_uri_type_takes() {
        for byte in 0..=255u8 {
            for (class, target) in [(PATH, vec![b'/', byte]), (QUERY, vec![b'/', b'?', byte])] {
                if is(byte, class) {
                    let uri = http::Uri::try_from(target.as_slice()).unwrap();
                    assert_eq!(uri.to_string().as_bytes(), target, "byte {byte:#x}");
                }
            }
        }
    }

    #[test]
    fn every_token_byte_makes_a_method_and_a_field_name() {
        for byte in 0..=255u8 {
            let name = [byte];
            assert_eq!(is(byte, TOKEN), http::Method::from_bytes(&name).is_ok(), "{byte:#x}");
            assert_eq!(is(byte, TOKEN), http::HeaderName::from_bytes(&name).is_ok(), "{byte:#x}");
            assert_eq!(is_value_byte(byte), http::HeaderValue::from_bytes(&name).is_ok());
        }
    }
}
