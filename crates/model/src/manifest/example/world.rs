//! What an example says of the world around the function: who answers outside, and what is stored.

use crate::StoreName;
use crate::store::StoreTarget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An answer from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// What is asked, `METHOD URL`. Without a query it fits whatever query is sent.
    pub request: String,
    /// The status. Default 200.
    #[serde(default = "ok")]
    pub status: u16,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, as JSON; also sets `content-type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

/// What is stored before the request comes: texts by store and key. All other stores are empty.
pub type Stored = BTreeMap<String, BTreeMap<String, String>>;

const fn ok() -> u16 {
    200
}

impl Outside {
    /// Whether this answers a request.
    #[must_use]
    pub fn answers(&self, method: &str, uri: &http::Uri) -> bool {
        let Some((own, url)) = self.request.split_once(' ') else { return false };
        let Ok(url) = url.parse::<http::Uri>() else { return false };
        own == method
            && url.scheme() == uri.scheme()
            && url.authority() == uri.authority()
            && url.path() == uri.path()
            && url.query().is_none_or(|query| uri.query() == Some(query))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let url = self.request.split_once(' ').and_then(|(_, url)| url.parse::<http::Uri>().ok());
        if url.is_none_or(|url| url.scheme().is_none()) {
            let shown = self.request.escape_debug();
            return Err(format!("`outbound`: `{shown}` is no `METHOD URL`"));
        }
        if !(200..=599).contains(&self.status) {
            return Err(format!("`outbound`: {} is no status of an answer", self.status));
        }
        if self.body.is_some() && self.json.is_some() {
            return Err("`outbound`: `body` and `json` are two bodies".to_owned());
        }
        Ok(())
    }
}

/// Whether every store has a name.
pub(super) fn check_stored(stored: &Stored) -> Result<(), String> {
    let wrong = stored.keys().find(|store| StoreTarget::parse(&format!("read {store}")).is_none());
    match wrong {
        Some(store) => Err(format!("`keyvalue`: `{}` is no store's name", store.escape_debug())),
        None => Ok(()),
    }
}

/// The stores with the names that they have for `function`, which [`check_stored`] looked at.
#[must_use]
pub fn named(
    stored: &Stored,
    function: &crate::FunctionName,
) -> Vec<(StoreName, Vec<(String, String)>)> {
    let store = |(name, cells): (&String, &BTreeMap<String, String>)| {
        let name = StoreName::of(function, name).ok()?;
        Some((name, cells.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    };
    stored.iter().filter_map(store).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_for_one_place_and_any_query_unless_it_says_one() {
        let outside = |request: &str| Outside {
            request: request.to_owned(),
            status: 200,
            headers: BTreeMap::new(),
            body: None,
            json: None,
        };
        for (request, method, uri, expect) in [
            ("GET https://a.example/x", "GET", "https://a.example/x?y=1", true),
            ("GET https://a.example/x?y=1", "GET", "https://a.example/x?y=1", true),
            ("GET https://a.example/x?y=2", "GET", "https://a.example/x?y=1", false),
            ("GET https://a.example/x", "POST", "https://a.example/x", false),
            ("GET https://a.example/x", "GET", "http://a.example/x", false),
            ("GET https://a.example/x", "GET", "https://a.example/x/y", false),
        ] {
            let uri = uri.parse().expect(uri);
            assert_eq!(outside(request).answers(method, &uri), expect, "{request} {uri}");
        }
        assert!(outside("GET /x").check().is_err() && outside("https://a/").check().is_err());
    }
}
