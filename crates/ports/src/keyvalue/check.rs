//! Limits of an ask, and the forms that every version of the port shares.
//!
//! Invariant: an ask that passed [`Ask::check`] has a bounded size.

use super::{
    Ask, BATCH_BYTES_MAX, BATCH_MAX, Change, Error, KEY_BYTES_MAX, PAGE_MAX, VALUE_BYTES_MAX,
};

impl Ask {
    /// Checks keys, values and counts against the limits of the port.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the limit and what broke it, and never the key itself.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Get { keys } => {
                count(keys.len())?;
                keys.iter().try_for_each(|it| key(it))
            }
            Self::Exists { key: it } | Self::Add { key: it, .. } => key(it),
            Self::Write { changes } => {
                count(changes.len())?;
                changes.iter().try_for_each(change)?;
                let bytes: usize = changes.iter().map(value_bytes).sum();
                over("the values of one batch have", bytes, BATCH_BYTES_MAX)
            }
            Self::Swap { key: it, value: new, .. } => key(it).and_then(|()| value(new)),
            Self::List { prefix, after, limit } => {
                over("the prefix has", prefix.len(), KEY_BYTES_MAX)?;
                let after = after.as_ref().map_or(0, String::len);
                over("the key to list from has", after, KEY_BYTES_MAX)?;
                match limit {
                    1..=PAGE_MAX => Ok(()),
                    _ => Err(Error::Invalid(format!("a page has 1 to {PAGE_MAX} keys"))),
                }
            }
        }
    }

    /// Bytes of keys and values in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Open => 0,
            Self::Get { keys } => keys.iter().map(String::len).sum(),
            Self::Exists { key } | Self::Add { key, .. } => key.len(),
            Self::Write { changes } => {
                changes.iter().map(|it| it.key().len() + value_bytes(it)).sum()
            }
            Self::Swap { key, value, .. } => key.len() + value.len(),
            Self::List { prefix, after, .. } => {
                prefix.len() + after.as_ref().map_or(0, String::len)
            }
        }
    }
}

impl Change {
    /// The key that it changes.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Set { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Reads a number as [`Ask::Add`] keeps it: decimal text, without a plus sign, without zeros in
/// front, without spaces. `None` if it is no such text, or does not fit into 64 bits.
#[must_use]
pub fn number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let number: i64 = text.parse().ok()?;
    (number_text(number) == text).then_some(number)
}

/// Writes a number so that [`number`] reads it.
#[must_use]
pub fn number_text(number: i64) -> String {
    number.to_string()
}

/// The first key, in the order of bytes, that neither begins with `prefix` nor comes before what
/// does. `None` if there is no such key.
#[must_use]
pub fn page_end(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// What is said when the values that were asked for are more than one answer carries.
#[must_use]
pub fn too_much_to_read() -> Error {
    let what = "the values that were asked for have more than";
    Error::Invalid(format!("{what} {BATCH_BYTES_MAX} bytes: ask for fewer keys at once"))
}

fn value_bytes(change: &Change) -> usize {
    match change {
        Change::Set { value, .. } => value.len(),
        Change::Delete { .. } => 0,
    }
}

fn change(it: &Change) -> Result<(), Error> {
    key(it.key())?;
    match it {
        Change::Set { value: new, .. } => value(new),
        Change::Delete { .. } => Ok(()),
    }
}

fn key(it: &str) -> Result<(), Error> {
    if it.is_empty() {
        return Err(Error::Invalid("a key is empty".to_owned()));
    }
    over("a key has", it.len(), KEY_BYTES_MAX)
}

fn value(it: &[u8]) -> Result<(), Error> {
    over("a value has", it.len(), VALUE_BYTES_MAX)
}

fn count(keys: usize) -> Result<(), Error> {
    match keys {
        ..=BATCH_MAX => Ok(()),
        _ => Err(Error::Invalid(format!("{keys} keys are asked for at once, of {BATCH_MAX}"))),
    }
}

fn over(what: &str, bytes: usize, bytes_max: usize) -> Result<(), Error> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(Error::Invalid(format!("{what} {bytes} bytes, and {bytes_max} is the most")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for text in ["0", "7", "-7", "9223372036854775807", "-9223372036854775808"] {
            let read = number(text.as_bytes()).expect(text);
            assert_eq!(number_text(read), text);
        }
        for text in ["", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "x"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(number(&[0xff]), None);
    }

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(page_end("a"), Some(b"b".to_vec()));
        assert_eq!(page_end("a\u{7f}"), Some(b"a\x80".to_vec()));
        assert_eq!(page_end(""), None);
        let last = char::MAX.to_string();
        let end = page_end(&last).expect("four bytes, the first below 255");
        assert!(end.as_slice() > last.as_bytes() && end.as_slice() > "\u{10ffff}z".as_bytes());
    }
}
