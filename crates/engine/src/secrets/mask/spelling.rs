//! The spellings in which people write one number: together, in groups, with spaces or dashes.

use model::Secret;

/// Fewer digits are not grouped.
const GROUPED_MIN: usize = 12;
/// Digits of a group.
const GROUP: usize = 4;

/// A value, and if it is a number of many digits, the other ways of writing it.
pub(super) fn of(value: &str) -> Vec<Secret<Vec<u8>>> {
    let mut all = vec![Secret::new(value.as_bytes().to_vec())];
    let separates = |c: char| matches!(c, ' ' | '-' | '.');
    let bare: String = value.chars().filter(|c| !separates(*c)).collect();
    let is_number = bare.len() >= GROUPED_MIN && bare.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return all;
    }
    let digits = Secret::new(bare.into_bytes());
    all.extend([b' ', b'-'].map(|between| grouped(digits.expose(), between)));
    all.push(digits);
    all
}

fn grouped(digits: &[u8], between: u8) -> Secret<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() + digits.len() / GROUP);
    for (at, group) in digits.chunks(GROUP).enumerate() {
        if at > 0 {
            out.push(between);
        }
        out.extend_from_slice(group);
    }
    Secret::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_looked_for_as_people_write_them() {
        let texts = |value: &str| -> Vec<String> {
            let all = of(value).into_iter();
            all.map(|it| String::from_utf8_lossy(it.expose()).into_owned()).collect()
        };
        for value in ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"] {
            let all = texts(value);
            for form in ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"] {
                assert!(all.iter().any(|it| it == form), "{value}: {all:?}");
            }
        }
        assert_eq!(texts("ada@example.com"), ["ada@example.com"]);
        assert_eq!(texts("12345678"), ["12345678"]);
    }
}
