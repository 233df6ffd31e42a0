//! The domains of an application: `domains = ["api.example.com"]`.

use super::FunctionSpec;
use crate::route::Route;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A host name, or `*.example.com`, in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

impl Domain {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let shown: String = text.chars().take(80).collect();
        let wrong = |why| format!("`{}` is no domain: {why}", shown.escape_debug());
        if text.is_empty() || text.contains(['/', ' ', '{', '}']) {
            return Err(wrong("write a host name such as `api.example.com`, without a path"));
        }
        let route = Route::parse(&format!("GET {text}/")).map_err(|error| wrong(error.reason))?;
        route.host.map(Self).ok_or_else(|| wrong("it is empty"))
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl JsonSchema for Domain {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Domain".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A host name, or `*.example.com` for every name one label below.",
            "examples": ["api.example.com", "*.example.com"]
        })
    }
}

/// Puts the routes of a function that name no host on the application's domains.
pub(super) fn settle(spec: &mut FunctionSpec, domains: &[Domain]) {
    if domains.is_empty() {
        return;
    }
    let triggers = std::mem::take(&mut spec.http);
    for trigger in triggers {
        if trigger.route.host.is_some() {
            spec.http.push(trigger);
            continue;
        }
        for domain in domains {
            let mut there = trigger.clone();
            there.route = trigger.route.on(domain.as_str());
            spec.http.push(there);
        }
    }
}
