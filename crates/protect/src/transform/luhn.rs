//! The check digit of payment cards (ISO/IEC 7812-1, annex B: Luhn's).

/// What stands for a card has this sum, modulo 10, where a card has 0.
pub(crate) const TOKEN_SUM: u16 = 5;

/// What a digit adds to the sum, `from_right` places from the last.
pub(crate) fn weight(digit: u16, from_right: usize) -> u16 {
    let weight = if from_right % 2 == 1 { digit * 2 } else { digit };
    if weight > 9 { weight - 9 } else { weight }
}

/// The sum modulo 10: 0 for a right number.
pub(crate) fn sum(digits: &[u16]) -> u16 {
    let weights = digits.iter().rev().enumerate().map(|(at, digit)| weight(*digit, at));
    weights.fold(0, |sum, weight| (sum + weight) % 10)
}

/// The digit that adds `by` more than this one, modulo 10, at the same place.
pub(crate) fn moved(digit: u16, from_right: usize, by: u16) -> u16 {
    let want = (weight(digit, from_right) + by) % 10;
    (0..10).find(|other| weight(*other, from_right) % 10 == want).unwrap_or(digit)
}

/// Whether a text of ASCII digits ends with the check digit that its others ask for.
#[must_use]
pub fn is_luhn(digits: &[u8]) -> bool {
    let all: Vec<u16> = digits.iter().map(|digit| u16::from(digit.wrapping_sub(b'0'))).collect();
    !all.is_empty() && all.iter().all(|digit| *digit < 10) && sum(&all) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_right_number_from_a_wrong_one() {
        assert!(is_luhn(b"4111111111111111") && is_luhn(b"378282246310005"));
        assert!(!is_luhn(b"4111111111111112") && !is_luhn(b"") && !is_luhn(b"4111a"));
    }

    #[test]
    fn a_digit_can_be_moved_by_any_amount_at_any_place() {
        for (digit, place, by) in (0..10).flat_map(|digit| {
            (0..2).flat_map(move |place| (0..10).map(move |by| (digit, place, by)))
        }) {
            let other = moved(digit, place, by);
            assert_eq!(weight(other, place) % 10, (weight(digit, place) + by) % 10);
            assert_eq!(moved(other, place, (10 - by) % 10), digit);
        }
    }
}
