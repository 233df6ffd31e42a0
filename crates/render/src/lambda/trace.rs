//! X-Ray's header from the standard one.

use http::HeaderMap;

/// The value of `Lambda-Runtime-Trace-Id`, made of the request's `traceparent`. None if there is none.
#[must_use]
pub fn trace_header(headers: &HeaderMap) -> Option<String> {
    let said = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = said.split('-');
    let (_version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !hex(trace, 32) || !hex(parent, 16) || !hex(flags, 2) {
        return None;
    }
    let (time, rest) = trace.split_at(8);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    Some(format!("Root=1-{time}-{rest};Parent={parent};Sampled={sampled}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_becomes_an_x_ray_header_and_noise_becomes_none() {
        let made = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().expect("a value"));
            trace_header(&headers)
        };
        let expected = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let said = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        assert_eq!(made(said).as_deref(), Some(expected));
        assert_eq!(made("00-5759-53995c3f42cd8ad8-01"), None);
        assert_eq!(made("nothing"), None);
        assert_eq!(trace_header(&HeaderMap::new()), None);
    }
}
