//! How a token is fetched with a secret: OAuth 2.0, client credentials (RFC 6749, section 4.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the client says who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// In the field `authorization`.
    #[default]
    Basic,
    /// In the body.
    Post,
}

/// How a token is fetched. The secret's value is the client's secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// Where tokens come from. The secret is sent there, and the token to `to`.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// What is asked for, with spaces between the scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// For whom the token is, where the server wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How the client says who it is: `basic`, or `post` for servers that want it in the body.
    #[serde(default)]
    pub auth: ClientAuth,
}

impl OAuth2 {
    pub(super) fn checked(&self) -> Result<Self, String> {
        let plain =
            |text: &str| (1..=1024).contains(&text.len()) && !text.chars().any(char::is_control);
        let optional = [&self.scope, &self.audience];
        let sound = plain(&self.client_id) && optional.into_iter().flatten().all(|it| plain(it));
        match sound {
            true => Ok(self.clone()),
            false => Err("`oauth2.client_id`, `scope` and `audience` are texts of 1 to 1024 bytes in one line".to_owned()),
        }
    }
}
