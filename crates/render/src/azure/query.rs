//! A query's names and values, decoded as web forms are.

use std::collections::BTreeMap;

/// Reads a query. Values of one name are joined by commas, as ASP.NET does.
pub(super) fn read(query: &str) -> BTreeMap<String, String> {
    let mut read: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        read.entry(decode(name))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    read
}

/// An escape that is none stands for itself.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded_and_joined() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("a=1&a=2&a", &[("a", "1,2,")]),
            ("n%61me=%C3%A4+%2B", &[("name", "ä +")]),
            ("x=%", &[("x", "%")]),
            ("x=%4", &[("x", "%4")]),
            ("x=%zz%ff", &[("x", "%zz\u{fffd}")]),
            ("&&=v&", &[("", "v")]),
        ];
        for (query, expected) in table {
            let expected = expected.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            assert_eq!(read(query), expected.collect(), "{query}");
        }
    }
}
