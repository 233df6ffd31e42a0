//! A secret that a function uses: where it may go, and in which form.
//!
//! The function never sees the value. What it reads, if it reads anything, is a placeholder; the
//! host puts the value into requests that go to `to`, and into no other.

use crate::{FunctionName, SecretName};
use http::header::{self, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands for the secret in `value`.
const MARK: &str = "{secret}";

/// Where a secret goes, and in which form. One of `header`, `query`, `basic` and `bearer` is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// The only address that it is sent to: `https://host`, with a port and the beginning of a path
    /// where wanted.
    pub to: String,
    /// Put it into this header field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What `header` says, with `{secret}` in it once. Just the secret if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Put it into this parameter of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Send it as the password of this user (RFC 7617).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<String>,
    /// Send it as a bearer token (RFC 6750).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bearer: bool,
}

/// The form of a secret in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// In a header field, between two texts.
    Header {
        /// The field.
        name: HeaderName,
        /// What stands before it.
        before: String,
        /// What stands after it.
        after: String,
    },
    /// As the value of a parameter of the query.
    Query(String),
    /// As the password of a user, in `authorization`.
    Basic(String),
}

impl SecretUse {
    /// The form that it asks for.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn form(&self) -> Result<Form, String> {
        let said = [self.header.is_some(), self.query.is_some(), self.basic.is_some(), self.bearer];
        if said.into_iter().filter(|said| *said).count() != 1 {
            return Err("say one of `header`, `query`, `basic` and `bearer`".to_owned());
        }
        if self.value.is_some() && self.header.is_none() {
            return Err("`value` goes with `header`".to_owned());
        }
        match (&self.header, &self.query, &self.basic) {
            (Some(name), ..) => in_header(name, self.value.as_deref().unwrap_or(MARK)),
            (_, Some(name), _) => in_query(name),
            (_, _, Some(user)) => of_user(user),
            _ => in_header("authorization", "Bearer {secret}"),
        }
    }

    /// The grant's target that makes it true.
    #[must_use]
    pub fn target(&self, name: &SecretName) -> String {
        format!("{name} for {}", self.to)
    }

    /// What is wrong with it, said with its key.
    pub(super) fn check(&self, function: &FunctionName, name: &SecretName) -> Result<(), String> {
        let wrong = |why: &str| format!("function `{function}`, `allow.secret.{name}`: {why}");
        self.form().map_err(|why| wrong(&why))?;
        match crate::grant::SecretTarget::parse(&self.target(name)) {
            Some(_) => Ok(()),
            None => Err(wrong("`to` is `https://host`, perhaps with a port and a path")),
        }
    }
}

fn in_header(name: &str, value: &str) -> Result<Form, String> {
    let plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let name =
        HeaderName::try_from(name).map_err(|_| "`header` names no header field".to_owned())?;
    let kept = [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
    ];
    if kept.contains(&name) || name.as_str().starts_with("casemate-") {
        return Err(format!("the header field `{name}` is the platform's own"));
    }
    match value.split_once(MARK) {
        Some((before, after)) if !after.contains(MARK) && plain(before) && plain(after) => {
            Ok(Form::Header { name, before: before.to_owned(), after: after.to_owned() })
        }
        _ => Err("`value` is printable ASCII and has `{secret}` in it once".to_owned()),
    }
}

fn in_query(name: &str) -> Result<Form, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err("`query` is a name of letters, digits and `-._~`".to_owned());
    }
    Ok(Form::Query(name.to_owned()))
}

fn of_user(user: &str) -> Result<Form, String> {
    if user.contains(':') || user.chars().any(char::is_control) {
        return Err("`basic` is a user's name, without `:`".to_owned());
    }
    Ok(Form::Basic(user.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Form, String> {
        let text = format!(r#"{{"to":"https://api.example",{text}}}"#);
        serde_json::from_str::<SecretUse>(&text).map_err(|error| error.to_string())?.form()
    }

    #[test]
    fn each_form_is_read() {
        let header = |name: &str, before: &str, after: &str| Form::Header {
            name: HeaderName::try_from(name).expect(name),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        for (text, form) in [
            (r#""header":"X-Key""#, header("x-key", "", "")),
            (r#""header":"a","value":"k={secret};""#, header("a", "k=", ";")),
            (r#""bearer":true"#, header("authorization", "Bearer ", "")),
            (r#""query":"api_key""#, Form::Query("api_key".to_owned())),
            (r#""basic":"shop""#, Form::Basic("shop".to_owned())),
        ] {
            assert_eq!(read(text), Ok(form), "{text}");
        }
    }

    #[test]
    fn what_says_no_form_or_two_is_refused() {
        for text in [
            r#""bearer":false"#,
            r#""bearer":true,"query":"k""#,
            r#""bearer":true,"value":"{secret}""#,
            r#""header":"host""#,
            r#""header":"casemate-caller""#,
            r#""header":"a b""#,
            r#""header":"a","value":"none""#,
            r#""header":"a","value":"{secret}{secret}""#,
            r#""header":"a","value":"{secret}\n""#,
            r#""query":"a&b""#,
            r#""query":"""#,
            r#""basic":"a:b""#,
            r#""sigv5":true"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_scheme_a_host_and_perhaps_more() {
        let check = |to: &str| {
            let text = format!(r#"{{"to":"{to}","bearer":true}}"#);
            let name = SecretName::parse("psp").expect("a name");
            let function = FunctionName::parse("f").expect("a name");
            serde_json::from_str::<SecretUse>(&text).expect(to).check(&function, &name).is_ok()
        };
        for to in ["https://api.example", "http://127.0.0.1:8080", "https://api.example/v1/"] {
            assert!(check(to), "{to}");
        }
        for to in [
            "",
            "api.example",
            "ftp://x",
            "https://",
            "https://a.example/?q",
            "https://u@x",
            "https://a.example/*",
            "https://a.example/ b",
            "https://a.example/#x",
        ] {
            assert!(!check(to), "{to}");
        }
    }
}
