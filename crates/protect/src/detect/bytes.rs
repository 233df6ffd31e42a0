//! What each byte is, by one look at a table instead of comparisons.

pub(super) const DIGIT: u8 = 1;
/// A letter of ASCII.
pub(super) const LETTER: u8 = 2;
/// A capital letter of ASCII.
pub(super) const CAPITAL: u8 = 4;
/// A part of a character outside ASCII, which is taken for a letter.
pub(super) const FOREIGN: u8 = 8;
pub(super) const UNDERSCORE: u8 = 16;
/// The end of what a value stands in, of a line or of a field.
pub(super) const END: u8 = 32;

static KINDS: [u8; 256] = {
    let (mut kinds, mut byte) = ([0; 256], 0_u8);
    loop {
        kinds[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' => LETTER,
            b'A'..=b'Z' => LETTER | CAPITAL,
            0x80..=0xff => FOREIGN,
            b'_' => UNDERSCORE,
            b'\n' | b'\r' | b',' | b';' | b'{' | b'}' | b'&' | b'|' | b'\t' => END,
            _ => 0,
        };
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

/// All that a byte is.
#[inline]
pub(super) fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether the byte is one of these kinds.
#[inline]
pub(super) fn is(byte: u8, kinds: u8) -> bool {
    kind(byte) & kinds != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_comparisons_say() {
        for byte in 0..=u8::MAX {
            assert_eq!(is(byte, DIGIT), byte.is_ascii_digit());
            assert_eq!(is(byte, LETTER), byte.is_ascii_alphabetic());
            assert_eq!(is(byte, CAPITAL), byte.is_ascii_uppercase());
            assert_eq!(is(byte, FOREIGN), !byte.is_ascii());
            assert_eq!(is(byte, UNDERSCORE), byte == b'_');
            assert_eq!(is(byte, END), b"\n\r\t,;{}&|".contains(&byte));
        }
    }
}
