//! Limits of what is asked, and the text of an upload's id.

use super::{BATCH_MAX, Error, NAME_BYTES_MAX, NOTE_BYTES_MAX, PAGE_MAX, UploadId};
use std::fmt;

/// Checks the name of an object.
///
/// # Errors
/// [`Error::Invalid`], with the limit, and never the name itself.
pub fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Invalid("a name is empty".to_owned()));
    }
    over("a name has", name.len(), NAME_BYTES_MAX)
}

/// Checks the names of one ask.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_names(names: &[String]) -> Result<(), Error> {
    if names.len() > BATCH_MAX {
        let count = names.len();
        let text = format!("{count} objects are asked for at once, of {BATCH_MAX}");
        return Err(Error::Invalid(text));
    }
    names.iter().try_for_each(|name| check_name(name))
}

/// Checks what is kept beside an upload.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_note(note: &[u8]) -> Result<(), Error> {
    over("the note of an upload has", note.len(), NOTE_BYTES_MAX)
}

/// Checks what a listing is to show.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_page(prefix: &str, after: Option<&str>, limit: usize) -> Result<(), Error> {
    over("the prefix has", prefix.len(), NAME_BYTES_MAX)?;
    over("the name to list from has", after.map_or(0, str::len), NAME_BYTES_MAX)?;
    match limit {
        1..=PAGE_MAX => Ok(()),
        _ => Err(Error::Invalid(format!("a page has 1 to {PAGE_MAX} names"))),
    }
}

fn over(what: &str, bytes: usize, bytes_max: usize) -> Result<(), Error> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what} {bytes} bytes, and {bytes_max} is the most")))
}

/// A text that is no id of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an upload is named by 32 digits, 0 to 9 and a to f")]
pub struct NotAnUpload;

impl fmt::Display for UploadId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UploadId {
    /// Only its beginning: who knows all of it may know enough to go on with the upload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "UploadId({a:02x}{b:02x}..)")
    }
}

impl std::str::FromStr for UploadId {
    type Err = NotAnUpload;
    fn from_str(text: &str) -> Result<Self, NotAnUpload> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NotAnUpload),
        };
        let mut id = [0; 16];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != id.len() || !rest.is_empty() {
            return Err(NotAnUpload);
        }
        for (byte, [high, low]) in id.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Range;

    #[test]
    fn an_upload_has_one_text() {
        let text = "00112233445566778899aabbccddeeff";
        let id: UploadId = text.parse().expect(text);
        assert_eq!(id.to_string(), text);
        assert!(!format!("{id:?}").contains("2233"));
        for wrong in ["", "0", "00112233445566778899AABBCCDDEEFF", "é", &text[1..], &text.repeat(2)]
        {
            assert!(wrong.parse::<UploadId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_stays_within_its_object() {
        for (from, until, bytes, expect) in [
            (0, None, 10, (0, 10)),
            (3, Some(7), 10, (3, 7)),
            (3, Some(70), 10, (3, 10)),
            (30, None, 10, (10, 10)),
            (7, Some(3), 10, (3, 3)),
            (0, None, 0, (0, 0)),
            (u64::MAX, Some(u64::MAX), 10, (10, 10)),
        ] {
            assert_eq!(Range { from, until }.within(bytes), expect, "{from} {until:?} {bytes}");
        }
    }
}
