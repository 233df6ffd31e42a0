//! Addresses at which functions are called over HTTP by anybody who may, beside their routes.

use crate::Timestamp;
use crate::manifest::Cors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands in a host's name behind the id of an address.
const LABEL: &str = ".lambda-url.";
/// Letters of an id.
const ID_BYTES: usize = 32;

/// An address of a function, or of an alias of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Url {
    /// The first label of its host.
    pub id: String,
    /// Whether requests must be signed, as AWS has it. Otherwise whoever comes is anonymous.
    pub signed: bool,
    /// Which pages of other origins may call it.
    pub cors: Option<Cors>,
    /// Whether its maker said that answers are streams.
    pub stream: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed.
    pub modified: Timestamp,
}

/// What somebody was allowed, in AWS's words, and the grants that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// The version or alias that it names; it is for all of them here.
    pub qualifier: Option<String>,
    /// What may be done.
    pub action: String,
    /// Who may, in AWS's words.
    pub principal: String,
    /// `NONE` or `AWS_IAM`, if it is about an address.
    pub url_auth: Option<String>,
    /// Whether it is for calls by an address only.
    pub by_url: bool,
    /// Who may: the holder of a token, or everybody.
    pub who: Option<crate::TokenName>,
    /// The grants that were made with it, and so go with it; others were there before.
    #[serde(default)]
    pub grants: Vec<crate::Grant>,
}

impl Statement {
    /// Whether it names this version or alias.
    #[must_use]
    pub fn is_of(&self, word: &str) -> bool {
        self.qualifier.as_deref() == Some(word)
    }
}

/// The id in a host's name: its first label, before `lambda-url`. The rest may be any domain.
#[must_use]
pub fn id_of(host: &str) -> Option<&str> {
    split(host).map(|(id, _)| id)
}

/// The id in a host's name, and the domain below which it is an address.
#[must_use]
pub fn split(host: &str) -> Option<(&str, &str)> {
    let (id, domain) = host.split_once(LABEL)?;
    let sound = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (id.len() == ID_BYTES && sound && !domain.is_empty()).then_some((id, domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_first_label_before_its_word() {
        let id = "a1".repeat(16);
        for domain in ["localhost", "eu-central-1.on.example"] {
            let host = format!("{id}.lambda-url.{domain}");
            assert_eq!(id_of(&host), Some(id.as_str()));
            assert_eq!(split(&host), Some((id.as_str(), domain)));
        }
        let long = format!("{id}a.lambda-url.localhost");
        let upper = format!("{}.lambda-url.localhost", "A1".repeat(16));
        let below = format!("x.{id}.lambda-url.localhost");
        let bare = format!("{id}.lambda-url.");
        for host in ["", "lambda-url.localhost", ".lambda-url.x", &long, &upper, &below, &bare] {
            assert_eq!(id_of(host), None, "{host}");
        }
    }
}
