//! Putting a value into a body, in place of its placeholder.
//!
//! Invariant: only the whole value of the named field is replaced, and nothing else in the body is
//! touched; so what the server reads is what was looked at.

use super::mask::percent;
use crate::content;
use memchr::memmem;
use model::manifest::BodyField;
use zeroize::Zeroize as _;

/// The value of `content-type` that a field is in, without parameters.
pub(crate) fn fits(field: &BodyField, content_type: &str) -> bool {
    let kind = content::kind(content_type);
    match field.json {
        Some(_) => content::is_json(&kind),
        None => kind == content::FORM,
    }
}

/// The body with the value in it. `None` if the placeholder stands there more than once, elsewhere,
/// or within something longer; or if the value is no text and the body is JSON.
pub(crate) fn fill(
    field: &BodyField,
    body: &[u8],
    placeholder: &str,
    value: &[u8],
) -> Option<Vec<u8>> {
    let mut all = memmem::find_iter(body, placeholder.as_bytes());
    let (at, None) = (all.next()?, all.next()) else { return None };
    let end = at + placeholder.len();
    let mut text = match field {
        BodyField { json: Some(pointer), .. } => in_json(pointer, body, placeholder, value)?,
        BodyField { form, .. } => in_form(form.as_deref()?, body, at..end, value)?,
    };
    let mut out = Vec::with_capacity(body.len() + text.len());
    out.extend_from_slice(body.get(..at)?);
    out.extend_from_slice(&text);
    out.extend_from_slice(body.get(end..)?);
    text.zeroize();
    Some(out)
}

/// What stands for the value in a string of JSON.
fn in_json(pointer: &str, body: &[u8], placeholder: &str, value: &[u8]) -> Option<Vec<u8>> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    if document.pointer(pointer)?.as_str()? != placeholder {
        return None;
    }
    let mut quoted = serde_json::to_vec(std::str::from_utf8(value).ok()?).ok()?;
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?.to_vec();
    quoted.zeroize();
    Some(inner)
}

/// What stands for the value in a form.
fn in_form(
    name: &str,
    body: &[u8],
    place: std::ops::Range<usize>,
    value: &[u8],
) -> Option<Vec<u8>> {
    let before = body.get(..place.start)?;
    let after = body.get(place.end..)?;
    let start = before.iter().rposition(|byte| *byte == b'&').map_or(0, |at| at + 1);
    let key = before.get(start..)?.strip_suffix(b"=")?;
    let spelt =
        [name.as_bytes().to_vec(), percent(name.as_bytes(), false), percent(name.as_bytes(), true)];
    let whole = after.first().is_none_or(|byte| *byte == b'&');
    (whole && spelt.iter().any(|own| own == key)).then(|| percent(value, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: &str = "secret-psp-1f0c";

    fn field(json: Option<&str>, form: Option<&str>) -> BodyField {
        let own = |text: Option<&str>| text.map(ToOwned::to_owned);
        BodyField { json: own(json), form: own(form) }
    }

    fn filled(field: &BodyField, body: &str, value: &[u8]) -> Option<String> {
        fill(field, body.as_bytes(), HELD, value).map(|it| String::from_utf8(it).expect("text"))
    }

    #[test]
    fn a_value_takes_the_place_of_its_placeholder_in_json() {
        let own = field(Some("/auth/0/key"), None);
        let body = format!(r#"{{ "b":1.50, "auth":[{{"key" : "{HELD}"}}] , "a":2 }}"#);
        let expect = r#"{ "b":1.50, "auth":[{"key" : "a\"b\\c"}] , "a":2 }"#;
        assert_eq!(filled(&own, &body, b"a\"b\\c").as_deref(), Some(expect));
        assert_eq!(filled(&own, &body, &[0xff]), None, "JSON holds no such value");
    }

    #[test]
    fn a_value_takes_the_place_of_its_placeholder_in_a_form() {
        let own = field(None, Some("client key"));
        let body = format!("a=1&client%20key={HELD}&b=2");
        let expect = "a=1&client%20key=x%26y%3D%20&b=2";
        assert_eq!(filled(&own, &body, b"x&y= ").as_deref(), Some(expect));
        assert_eq!(
            filled(&own, &format!("client%20key={HELD}"), b"v").as_deref(),
            Some("client%20key=v")
        );
    }

    #[test]
    fn a_placeholder_anywhere_else_in_the_body_is_not_replaced() {
        let json = field(Some("/key"), None);
        for body in [
            format!(r#"{{"other":"{HELD}"}}"#),
            format!(r#"{{"key":"x {HELD}"}}"#),
            format!(r#"{{"{HELD}":1,"key":"x"}}"#),
            format!(r#"{{"key":"{HELD}","other":"{HELD}"}}"#),
            format!(r#"{{"key":"{HELD}""#),
            format!(r#"{{"key":["{HELD}"]}}"#),
            format!(r#"{{"key":"{HELD}","key":"x"}}"#),
            r#"{"key":"\u0073ecret-psp-1f0c"}"#.to_owned(),
            String::new(),
        ] {
            assert_eq!(filled(&json, &body, b"v"), None, "{body}");
        }
        let form = field(None, Some("key"));
        for body in [
            format!("other={HELD}"),
            format!("key={HELD}x"),
            format!("key=x{HELD}"),
            format!("xkey={HELD}"),
            format!("{HELD}=key"),
            format!("key={HELD}&key={HELD}"),
            HELD.to_owned(),
        ] {
            assert_eq!(filled(&form, &body, b"v"), None, "{body}");
        }
    }

    #[test]
    fn only_the_named_type_of_body_is_filled() {
        let (json, form) = (field(Some("/a"), None), field(None, Some("a")));
        assert!(fits(&json, "application/json; charset=utf-8"));
        assert!(fits(&json, "Application/Problem+JSON"));
        assert!(!fits(&json, "text/plain"));
        assert!(fits(&form, "application/x-www-form-urlencoded"));
        assert!(!fits(&form, "application/json"));
    }

    proptest::proptest! {
        #[test]
        fn what_the_server_reads_is_the_value(value in "\\PC{1,40}") {
            let own = field(Some("/key"), None);
            let text = filled(&own, &format!(r#"{{"key":"{HELD}"}}"#), value.as_bytes());
            let read: serde_json::Value = serde_json::from_str(&text.expect("filled")).expect("JSON");
            proptest::prop_assert_eq!(read["key"].as_str(), Some(value.as_str()));
        }
    }
}
