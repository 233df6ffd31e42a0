//! One route of a function, and who it asks to be callable by.

use super::auth::Auth;
use super::cors::Cors;
use super::rate::RateLimit;
use super::require::Require;
use super::upload::Upload;
use super::websocket::WebSocket;
use crate::route::Route;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One route of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// The pattern.
    pub route: Route,
    /// Who may call it.
    #[serde(default)]
    pub auth: Auth,
    /// Which pages of other origins may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// What it requires of a request beside a permit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
    /// How often it may be called. The node's own limit if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<RateLimit>,
    /// Whether it speaks WebSocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub websocket: Option<WebSocket>,
    /// Whether bodies go to a blob, in one request or in several (tus), and the function hears of
    /// them when they are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

impl HttpTrigger {
    /// A route with nothing said about it but who may call it.
    #[must_use]
    pub const fn new(route: Route, auth: Auth) -> Self {
        Self { route, auth, cors: None, require: None, limit: None, websocket: None, upload: None }
    }

    /// What is wrong with it: the key, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let claims = self.require.as_ref().is_some_and(|require| !require.claims.is_empty());
        if claims && self.auth.issuers().next().is_none() {
            let why = "claims come with tokens of an issuer: name one in `auth`, as `jwt:ISSUER`";
            return Err(("require.claims", why.to_owned()));
        }
        if self.limit.is_some_and(|limit| limit.burst == Some(0)) {
            return Err(("limit.burst", "must be at least 1".to_owned()));
        }
        if let Some(upload) = self.upload {
            upload.check(&self.route.method)?;
        }
        match self.websocket {
            Some(websocket) => websocket.check(&self.route.method),
            None => Ok(()),
        }
    }
}
