//! A secret in a field of a request's body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The field of a body in which the placeholder stands that the secret replaces. One of the two is
/// said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyField {
    /// A JSON pointer (RFC 6901) into a body of type `application/json`, such as
    /// `/auth/client_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// A field of a body of type `application/x-www-form-urlencoded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
}

impl BodyField {
    pub(super) fn checked(&self) -> Result<Self, String> {
        let sound = match (&self.json, &self.form) {
            (Some(pointer), None) => pointer.starts_with('/') && pointer.len() <= 256,
            (None, Some(name)) => (1..=256).contains(&name.len()),
            _ => return Err("`body` says one of `json` and `form`".to_owned()),
        };
        match sound {
            true => Ok(self.clone()),
            false => Err("`body.json` is a JSON pointer such as `/password`, and `body.form` the name of a field".to_owned()),
        }
    }
}
