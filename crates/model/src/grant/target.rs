//! What grants of secrets and of revealed data cover: texts with a place in them.

use crate::{DataClass, SecretName};

/// Where values go that come back in replies.
pub const REPLY: &str = "reply";

/// What a grant of a secret covers: `NAME for URL`, where the URL is a scheme, a host, and perhaps a
/// port and the beginning of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretTarget<'a> {
    /// The secret.
    pub name: SecretName,
    /// Where it may be sent.
    pub url: &'a str,
}

impl<'a> SecretTarget<'a> {
    /// Reads `NAME for URL`. `None` if it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, url) = text.split_once(" for ")?;
        is_place(url).then_some(Self { name: SecretName::parse(name).ok()?, url })
    }
}

/// What a grant to reveal covers: `CLASS for URL as PURPOSE`, where the URL is a scheme, a host, and
/// perhaps a port and the beginning of a path; or `CLASS for reply as PURPOSE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataTarget<'a> {
    /// What the values are.
    pub class: DataClass,
    /// Where they may be sent; [`REPLY`] for whoever called.
    pub url: &'a str,
    /// What for.
    pub purpose: &'a str,
}

impl<'a> DataTarget<'a> {
    /// Reads `CLASS for URL as PURPOSE`. `None` if it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (class, rest) = text.split_once(" for ")?;
        let (url, purpose) = rest.split_once(" as ")?;
        let sound = (url == REPLY || is_place(url)) && crate::manifest::is_purpose(purpose);
        sound.then_some(Self { class: DataClass::parse(class).ok()?, url, purpose })
    }
}

/// Whether a text is a scheme, a host, and perhaps a port and the beginning of a path.
fn is_place(url: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "?#@*".contains(c);
    let uri: Option<http::Uri> = url.parse().ok().filter(|_| !url.contains(odd));
    uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    })
}
