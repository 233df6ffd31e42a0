//! One route of a function, and who it asks to be callable by.

use super::cors::Cors;
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
}

/// Who a route asks to be callable by. A request, like everything in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Holders of an API token that was granted the function.
    #[default]
    Token,
    /// Everybody, once `public invoke FUNCTION` is granted.
    Public,
}

impl HttpTrigger {
    /// A route with nothing said about it but who may call it.
    #[must_use]
    pub const fn new(route: Route, auth: Auth) -> Self {
        Self { route, auth, cors: None }
    }
}
