//! Check digits: whether a number was mistyped, by the rules of those who issue it.
//!
//! All take digits as numbers 0 to 9.

/// The sum of digits times weights.
fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// The number that the digits are.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum: u64, digit| sum.wrapping_mul(10).wrapping_add(u64::from(*digit)))
}

/// ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (1, digit @ 5..) => digit * 2 - 9,
            (1, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Verhoeff's scheme, by the multiplication of the dihedral group of ten elements.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const SHIFT: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (5 + a - b) % 5,
    };
    let mut check = 0;
    for (at, digit) in digits.iter().rev().enumerate() {
        let moved = (0..at % 8).fold(*digit, |digit, _| shift(&SHIFT, digit));
        check = times(check, moved);
    }
    check == 0
}

fn shift(table: &[u8; 10], digit: u8) -> u8 {
    table.get(usize::from(digit)).copied().unwrap_or_default()
}

/// Whether year (two digits or four), month and day could be a date.
pub(super) fn is_date(month: u64, day: u64) -> bool {
    let most = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=most).contains(&day)
}

/// `yymmdd` or `yyyymmdd` at the beginning.
fn dated(digits: &[u8], year: usize) -> bool {
    let part = |from: usize| number(digits.get(from..from + 2).unwrap_or_default());
    is_date(part(year), part(year + 2))
}

/// Social security number of the United States: areas, groups and serials that were never given.
pub(super) fn us_ssn(digits: &[u8]) -> bool {
    let (area, rest) = digits.split_at(3.min(digits.len()));
    let (group, serial) = rest.split_at(2.min(rest.len()));
    let area = number(area);
    let same = digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let known = [78_051_120, 219_099_999, 123_456_789];
    area != 0
        && area != 666
        && area < 900
        && number(group) != 0
        && number(serial) != 0
        && !same
        && !known.contains(&number(digits))
}

/// Tax id of Germany: ISO 7064 modulo 11,10, and one digit twice or thrice among the first ten.
pub(super) fn de_steuer_id(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let mut counts = [0_u8; 10];
    for digit in body {
        if let Some(count) = counts.get_mut(usize::from(*digit)) {
            *count += 1;
        }
    }
    let several = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().copied().max().unwrap_or_default();
    if body.first() == Some(&0) || several != 1 || most > 3 {
        return false;
    }
    let mut product = 10;
    for digit in body {
        let sum = (u32::from(*digit) + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    (11 - product) % 10 == u32::from(*check)
}

/// NIR of France: sex, month, department, and a key of two digits modulo 97. Corsica's letters are
/// not known here.
pub(super) fn fr_nir(digits: &[u8]) -> bool {
    let (body, key) = digits.split_at(13.min(digits.len()));
    let month = number(body.get(3..5).unwrap_or_default());
    let department = number(body.get(5..7).unwrap_or_default());
    matches!(body.first(), Some(1 | 2))
        && matches!(month, 1..=12 | 20 | 30..=42 | 50..=99)
        && department != 0
        && number(body.get(7..10).unwrap_or_default()) != 0
        && 97 - number(body) % 97 == number(key)
}

/// Citizen service number of the Netherlands: the test of eleven.
pub(super) fn nl_bsn(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    let sum = weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2]);
    number(digits) != 0 && sum % 11 == u32::from(*last)
}

/// National register number of Belgium: a date, and two digits modulo 97; people born since 2000
/// have a 2 before it.
pub(super) fn be_rrn(digits: &[u8]) -> bool {
    let (body, key) = digits.split_at(9.min(digits.len()));
    let (body, key) = (number(body), number(key));
    let month = number(digits.get(2..4).unwrap_or_default());
    let month = if month > 40 {
        month - 40
    } else if month > 20 {
        month - 20
    } else {
        month
    };
    let day = number(digits.get(4..6).unwrap_or_default());
    let fits = |body: u64| 97 - body % 97 == key;
    is_date(month, day) && (fits(body) || fits(body + 2_000_000_000))
}

/// PESEL of Poland: a date whose month says the century, and weights 1, 3, 7, 9.
pub(super) fn pl_pesel(digits: &[u8]) -> bool {
    let month = number(digits.get(2..4).unwrap_or_default()) % 20;
    let day = number(digits.get(4..6).unwrap_or_default());
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    is_date(month, day) && sum.is_multiple_of(10)
}

/// Personal number of Sweden, with ten digits or twelve; co-ordination numbers have the day plus 60.
pub(super) fn se_personnummer(digits: &[u8]) -> bool {
    let (century, short) = digits.split_at(digits.len().saturating_sub(10));
    let day = number(short.get(4..6).unwrap_or_default());
    let day = if day > 60 { day - 60 } else { day };
    let month = number(short.get(2..4).unwrap_or_default());
    is_date(month, day) && luhn(short) && (century.is_empty() || matches!(number(century), 18..=20))
}

/// CPF of Brazil: two digits modulo 11.
pub(super) fn br_cpf(digits: &[u8]) -> bool {
    let check = |upto: usize| {
        let body = digits.get(..upto).unwrap_or_default();
        let first = u32::try_from(upto).unwrap_or_default() + 1;
        let sum: u32 = body.iter().zip((2..=first).rev()).map(|(d, w)| u32::from(*d) * w).sum();
        let rest = sum * 10 % 11 % 10;
        digits.get(upto).is_some_and(|digit| u32::from(*digit) == rest)
    };
    let same = digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    !same && check(9) && check(10)
}

/// Aadhaar of India: Verhoeff; it begins with 2 to 9 and is no palindrome.
pub(super) fn in_aadhaar(digits: &[u8]) -> bool {
    let palindrome = digits.iter().eq(digits.iter().rev());
    matches!(digits.first(), Some(2..=9)) && !palindrome && verhoeff(digits)
}

/// Social insurance number of Canada.
pub(super) fn ca_sin(digits: &[u8]) -> bool {
    !matches!(digits.first(), None | Some(0 | 8)) && luhn(digits)
}

/// Tax file number of Australia, with nine digits.
pub(super) fn au_tfn(digits: &[u8]) -> bool {
    number(digits) != 0 && weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Resident identity number of China, GB 11643: a region, a date, and a check modulo 11, which is
/// 10 where `X` is written.
pub(super) fn cn_resident(digits: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some(last) = digits.get(17) else { return false };
    let year = number(digits.get(6..10).unwrap_or_default());
    let region = number(digits.get(..2).unwrap_or_default());
    (11..=82).contains(&region)
        && (1900..=2100).contains(&year)
        && dated(digits, 10)
        && (12 - weighted(digits, &WEIGHTS) % 11) % 11 == u32::from(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
    }

    /// The number is right, and wrong with any one digit changed.
    fn holds(check: fn(&[u8]) -> bool, text: &str) {
        let right = digits(text);
        assert!(check(&right), "{text}");
        let at = right.len() - 2;
        let wrong = (1..10).map(|by| {
            let mut wrong = right.clone();
            wrong[at] = (wrong[at] + by) % 10;
            wrong
        });
        let passed = wrong.filter(|wrong| check(wrong)).count();
        assert!(passed <= 1, "{text}: {passed} typing errors pass");
    }

    #[test]
    fn published_examples_are_right() {
        holds(luhn, "79927398713");
        holds(verhoeff, "2363");
        holds(de_steuer_id, "86095742719");
        holds(de_steuer_id, "47036892816");
        holds(fr_nir, "2 55 08 14 168 025 38");
        holds(nl_bsn, "111222333");
        holds(be_rrn, "85.07.30-033.28");
        holds(be_rrn, "17.07.30-033.84");
        holds(pl_pesel, "44051401359");
        holds(se_personnummer, "811228-9874");
        holds(se_personnummer, "19811228-9874");
        holds(br_cpf, "111.444.777-35");
        holds(in_aadhaar, "2341 2341 2346");
        holds(ca_sin, "193-456-787");
        holds(au_tfn, "123 456 782");
        holds(cn_resident, "110101199003070038");
    }

    #[test]
    fn numbers_that_were_never_given_are_wrong() {
        for text in ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000"] {
            assert!(!us_ssn(&digits(text)), "{text}");
        }
        assert!(us_ssn(&digits("536-90-4399")));
        assert!(!us_ssn(&digits("078-05-1120")), "the one of the advertisement");
        assert!(!br_cpf(&digits("11111111111")));
    }

    #[test]
    fn verhoeff_notices_each_transposition_of_neighbours() {
        let right = digits("234123412346");
        for at in 0..right.len() - 1 {
            let mut wrong = right.clone();
            wrong.swap(at, at + 1);
            assert!(wrong == right || !verhoeff(&wrong), "{at}");
        }
    }
}
