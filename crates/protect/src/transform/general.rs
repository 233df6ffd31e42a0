//! Generalisation: a date becomes its month or year, a number the bucket that it falls into.

use super::Error;

/// How much of a date stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    Month,
    Year,
}

/// The month (`YYYY-MM`) or year of a date that begins with `YYYY-MM-DD` (RFC 3339). What follows,
/// such as a time of day, goes.
pub(crate) fn date(text: &str, grain: Grain) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let ends = bytes.get(10).is_none_or(|byte| matches!(byte, b'T' | b't' | b' '));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let fits = month.is_some_and(|month| (1..=12).contains(&month))
        && day.is_some_and(|day| (1..=31).contains(&day));
    if !(dashes && ends && fits && year.is_some()) {
        return Err(Error::NotDate);
    }
    let end = if grain == Grain::Month { 7 } else { 4 };
    Ok(text.get(..end).unwrap_or_default().to_owned())
}

/// The lower end of the bucket of `width` that a decimal number falls into.
pub(crate) fn bucket(text: &str, width: u64) -> Result<String, Error> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = digits.is_empty()
        || !all_digits(digits)
        || !all_digits(fraction)
        || (text.contains('.') && fraction.is_empty());
    let number: i128 = whole.parse().map_err(|_| Error::NotNumber)?;
    let width = i128::from(width);
    if wrong || width == 0 {
        return Err(Error::NotNumber);
    }
    // Below zero, a fraction belongs to the next number down.
    let below = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    let number = number.checked_sub(i128::from(below)).ok_or(Error::NotNumber)?;
    let low = number.div_euclid(width).checked_mul(width).ok_or(Error::NotNumber)?;
    Ok(low.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_months_and_years() {
        assert_eq!(date("1980-02-29", Grain::Month).as_deref(), Ok("1980-02"));
        assert_eq!(date("1980-02-29T10:00:00Z", Grain::Year).as_deref(), Ok("1980"));
        for wrong in [
            "",
            "1980",
            "1980-13-01",
            "1980-02-00",
            "29.02.1980",
            "1980-02-291",
            "é980-02-29",
            "+980-02-29",
        ] {
            assert_eq!(date(wrong, Grain::Year), Err(Error::NotDate), "{wrong}");
        }
    }

    #[test]
    fn numbers_become_buckets() {
        for (number, low) in [
            ("37", "30"),
            ("30", "30"),
            ("-1", "-10"),
            ("-10.5", "-20"),
            ("-10.0", "-10"),
            ("39.99", "30"),
        ] {
            assert_eq!(bucket(number, 10).as_deref(), Ok(low), "{number}");
        }
        for wrong in ["", "-", "1.", ".5", "1e5", "+1", "ten", &"9".repeat(60)] {
            assert_eq!(bucket(wrong, 10), Err(Error::NotNumber), "{wrong}");
        }
    }
}
