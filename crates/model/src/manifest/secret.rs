//! A secret that a function uses: where it may go, and in which form.
//!
//! The function never sees the value. What it reads, if it reads anything, is a placeholder; the
//! host puts the value into requests that go to `to`, and into no other.

mod aws;
mod body;
mod mac;
mod places;
mod token;

pub use aws::{SigV4, is_access_key};
pub use body::BodyField;
pub use mac::{Algorithm, Encoding, Hmac, KeyText, Mac, Part, Unit};
pub use places::Places;
pub use token::{ClientAuth, OAuth2};

use crate::{FunctionName, SecretName};
use http::header::{self, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands for the secret in `value`.
const MARK: &str = "{secret}";
/// The keys of which one is said.
const FORMS: &str =
    "`header`, `query`, `basic`, `bearer`, `body`, `sigv4`, `hmac`, `oauth2` and `reveal`";

/// Where a secret goes, and in which form. One of `header`, `query`, `basic`, `bearer`, `body`,
/// `sigv4`, `hmac`, `oauth2` and `reveal` is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// The only address that it is sent to, or a list of them: `https://host`, with a port and the
    /// beginning of a path where wanted.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    pub to: Places,
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
    /// Put it into a field of the request's body, in place of its placeholder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyField>,
    /// Sign the request with it as AWS does (Signature Version 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigv4: Option<SigV4>,
    /// Sign the request with it (RFC 2104).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<Hmac>,
    /// Get a token for it, and send that (RFC 6749, client credentials).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// Let the function read the value itself, through `wasi:config/store` under the secret's name.
    /// It goes nowhere by itself then, so there is no `to`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reveal: bool,
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
    /// In place of the placeholder in a field of the body.
    Body(BodyField),
    /// As the key of AWS's signature.
    SigV4(SigV4),
    /// As the key of a signature.
    Hmac(Box<Mac>),
    /// As what a token is fetched with.
    OAuth2(Box<OAuth2>),
    /// In none: the function reads it.
    Reveal,
}

impl SecretUse {
    /// The form that it asks for.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn form(&self) -> Result<Form, String> {
        let said = [
            self.header.is_some(),
            self.query.is_some(),
            self.basic.is_some(),
            self.bearer,
            self.body.is_some(),
            self.sigv4.is_some(),
            self.hmac.is_some(),
            self.oauth2.is_some(),
            self.reveal,
        ];
        if said.into_iter().filter(|said| *said).count() != 1 {
            return Err(format!("say one of {FORMS}"));
        }
        if self.value.is_some() && self.header.is_none() {
            return Err("`value` goes with `header`".to_owned());
        }
        if let Some(name) = &self.header {
            return in_header(name, self.value.as_deref().unwrap_or(MARK));
        }
        if let Some(name) = &self.query {
            return in_query(name);
        }
        if let Some(user) = &self.basic {
            return of_user(user);
        }
        if let Some(body) = &self.body {
            return body.checked().map(Form::Body);
        }
        if let Some(sigv4) = &self.sigv4 {
            return sigv4.checked().map(Form::SigV4);
        }
        if let Some(hmac) = &self.hmac {
            return hmac.read().map(|mac| Form::Hmac(Box::new(mac)));
        }
        if self.reveal {
            return Ok(Form::Reveal);
        }
        match &self.oauth2 {
            Some(oauth2) => oauth2.checked().map(|it| Form::OAuth2(Box::new(it))),
            None => in_header("authorization", "Bearer {secret}"),
        }
    }

    /// The targets of the grants that make it true: every place that the value is sent to.
    pub fn targets(&self, name: &SecretName) -> impl Iterator<Item = String> {
        let token_url = self.oauth2.iter().map(|it| it.token_url.as_str());
        self.to.iter().chain(token_url).map(move |place| target(name, place))
    }

    /// The targets of those places alone at which requests of the function get something.
    pub fn destinations(&self, name: &SecretName) -> impl Iterator<Item = String> {
        self.to.iter().map(move |place| target(name, place))
    }

    /// What is wrong with it, said with its key.
    pub(super) fn check(&self, function: &FunctionName, name: &SecretName) -> Result<(), String> {
        let wrong = |why: &str| format!("function `{function}`, `allow.secret.{name}`: {why}");
        self.form().map_err(|why| wrong(&why))?;
        if self.reveal {
            return match self.to.is_empty() {
                true => Ok(()),
                false => Err(wrong("what is revealed goes nowhere by itself: leave `to` out")),
            };
        }
        let sound = |target: String| crate::grant::SecretTarget::parse(&target).is_some();
        if !self.to.is_sound() || !self.destinations(name).all(sound) {
            return Err(wrong(
                "`to` is `https://host`, perhaps with a port and a path, or a list of up to 16",
            ));
        }
        match self.targets(name).all(sound) {
            true => Ok(()),
            false => Err(wrong("`oauth2.token_url` is `https://host`, with a port and a path")),
        }
    }
}

fn target(name: &SecretName, place: &str) -> String {
    format!("{name} for {place}")
}

/// A field that the platform may write.
fn field(key: &str, name: &str) -> Result<HeaderName, String> {
    let name = HeaderName::try_from(name).map_err(|_| format!("`{key}` names no header field"))?;
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
    Ok(name)
}

fn in_header(name: &str, value: &str) -> Result<Form, String> {
    let plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let name = field("header", name)?;
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
mod tests;
