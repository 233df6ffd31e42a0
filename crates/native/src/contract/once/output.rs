//! What a program of the Common Gateway Interface writes: header fields, an empty line, a body.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, LOCATION, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// Fields that say how the message travels, which is not the program's to say.
const OF_THE_MESSAGE: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Reads an answer (RFC 3875, section 6).
///
/// # Errors
/// Why it is none.
pub(super) fn cgi(output: &[u8]) -> Result<Response<Bytes>, String> {
    let mut response = Response::new(Bytes::new());
    let (mut rest, mut fields, mut status) = (output, 0, None);
    loop {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or("the output has no empty line behind its header fields")?;
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        fields += 1;
        let line_shown = || String::from_utf8_lossy(line).escape_debug().to_string();
        let bad = || format!("`{}` is no header field", line_shown());
        let colon = line.iter().position(|&byte| byte == b':').ok_or_else(bad)?;
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(name).map_err(|_| bad())?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name == "status" {
            status = Some(code(value).ok_or_else(bad)?);
            continue;
        }
        if OF_THE_MESSAGE.contains(&name) {
            continue;
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| bad())?;
        response.headers_mut().try_append(name, value).map_err(|error| error.to_string())?;
    }
    if fields == 0 {
        return Err("the output has no header field".to_owned());
    }
    let found = response.headers().contains_key(LOCATION);
    let otherwise = if found { StatusCode::FOUND } else { StatusCode::OK };
    *response.status_mut() = status.unwrap_or(otherwise);
    *response.body_mut() = Bytes::copy_from_slice(rest);
    Ok(response)
}

/// `404 Not Found`, or the number alone.
fn code(value: &[u8]) -> Option<StatusCode> {
    let text = std::str::from_utf8(value).ok()?;
    let number: u16 = text.split(' ').next()?.parse().ok()?;
    StatusCode::from_u16(number).ok().filter(|_| (200..600).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_are_read_and_what_is_none_is_refused() {
        let read = |text: &str| {
            let response = cgi(text.as_bytes())?;
            let body = String::from_utf8_lossy(response.body()).into_owned();
            Ok::<_, String>((response.status().as_u16(), response.headers().len(), body))
        };
        let good = |status, fields, body: &str| Ok((status, fields, body.to_owned()));
        assert_eq!(read("Content-Type: text/plain\n\nhello\n\nyou"), good(200, 1, "hello\n\nyou"));
        assert_eq!(read("Status: 404 Not Found\r\nX: 1\r\nX: 2\r\n\r\n"), good(404, 2, ""));
        assert_eq!(read("Location: /elsewhere\n\n"), good(302, 1, ""));
        assert_eq!(read("Content-Length: 99\nX: 1\n\nab"), good(200, 1, "ab"));
        for bad in [
            "",
            "hello",
            "\nhello",
            "a: b\n",
            "no field\n\n",
            "Status: 99\n\n",
            "Status: 101\n\n",
            "a b: c\n\n",
            "a: \u{1}\n\n",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_an_answer_or_none(
            output in prop::collection::vec(any::<u8>(), 0..80),
            text in "(Status|A|Location|Content-Length)?:? ?[0-9a-z /]{0,5}\r?\n\r?\n?[ -~]{0,9}",
        ) {
            for output in [output.as_slice(), text.as_bytes()] {
                if let Ok(response) = cgi(output) {
                    prop_assert!((200..600).contains(&response.status().as_u16()));
                    prop_assert!(!response.headers().contains_key(CONTENT_LENGTH));
                }
            }
        }
    }
}
