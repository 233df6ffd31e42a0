//! Names and values as forms and queries write them (`application/x-www-form-urlencoded`).

/// Reads them. Of a name that stands twice the last value counts, for whoever collects them.
pub(super) fn read(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    let pairs = text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        (decode(name), decode(value.get(1..).unwrap_or_default()))
    })
}

fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
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
            (byte, _) => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms_are_read_however_they_are_written() {
        let read = |text: &str| super::read(text.as_bytes()).collect::<Vec<_>>();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("a=1&b=x+y%21&c"), [pair("a", "1"), pair("b", "x y!"), pair("c", "")]);
        assert_eq!(
            read("&&a=%zz&b=%4&%61=%ff"),
            [pair("a", "%zz"), pair("b", "%4"), pair("a", "\u{fffd}")]
        );
        assert!(read("").is_empty());
    }
}
