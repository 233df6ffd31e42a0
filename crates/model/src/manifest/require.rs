//! What a route requires of a request beside a permit: claims, and where it comes from.
//!
//! Invariant: what is not there does not meet a requirement.

use crate::Claims;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Conditions of a route. All of them must be met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Require {
    /// Claims that the caller's token must make: each text of each of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Texts>,
    /// Networks of which the caller's address must be in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<Network>,
}

impl Require {
    /// The first requirement that is not met, as a text for the record.
    #[must_use]
    pub fn missing(&self, claims: &Claims, source: Option<IpAddr>) -> Option<String> {
        let lacks = |(name, texts): &(&String, &Texts)| {
            texts.0.is_empty() || !texts.0.iter().all(|text| claims.has(name, text))
        };
        if let Some((name, _)) = self.claims.iter().find(lacks) {
            return Some(format!("the route requires the claim `{}`", name.escape_debug()));
        }
        let inside = |source: IpAddr| {
            let source = source.to_canonical();
            self.network.iter().any(|network| network.0.contains(&source))
        };
        if !self.network.is_empty() && !source.is_some_and(inside) {
            return Some("the route requires another network".to_owned());
        }
        None
    }
}

/// One text, or several that must all be there. Numbers and truth values are texts like others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Texts(Vec<String>);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Truth(bool),
    Number(i64),
    Several(Vec<String>),
}

impl TryFrom<Written> for Texts {
    type Error = &'static str;
    fn try_from(written: Written) -> Result<Self, &'static str> {
        let texts = match written {
            Written::Text(text) => vec![text],
            Written::Truth(truth) => vec![truth.to_string()],
            Written::Number(number) => vec![number.to_string()],
            Written::Several(texts) => texts,
        };
        if texts.is_empty() {
            return Err("a required claim names at least one text");
        }
        Ok(Self(texts))
    }
}

impl From<Texts> for Written {
    fn from(Texts(mut texts): Texts) -> Self {
        match texts.pop() {
            Some(only) if texts.is_empty() => Self::Text(only),
            last => {
                texts.extend(last);
                Self::Several(texts)
            }
        }
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Texts".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": ["string", "boolean", "integer"] },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        })
    }
}

/// A network: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let shown = || text.chars().take(60).collect::<String>().escape_debug().to_string();
        let one = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
        let network = text.parse::<IpNet>().ok().or_else(one);
        let network = network.ok_or_else(|| {
            format!("`{}` is no network: write one such as `10.0.0.0/8`", shown())
        })?;
        if network.trunc() != network {
            let meant = network.trunc();
            return Err(format!("`{}` has bits behind its prefix: write `{meant}`", shown()));
        }
        Ok(Self(network))
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["10.0.0.0/8", "2001:db8::/32"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn require(json: &str) -> Require {
        serde_json::from_str(json).expect(json)
    }

    fn claims(pairs: &[(&str, &[&str])]) -> Claims {
        let owned = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        Claims::new(pairs.iter().map(owned)).expect("no name twice")
    }

    #[test]
    fn every_text_of_every_claim_must_be_there() {
        let wanted = require(
            r#"{"claims":{"role":"admin","scope":["orders:read","orders:write"],"verified":true}}"#,
        );
        let scope: &[&str] = &["orders:read", "orders:write", "x"];
        let good = claims(&[("role", &["admin"]), ("scope", scope), ("verified", &["true"])]);
        assert_eq!(wanted.missing(&good, None), None);
        for (bad, named) in [
            (Claims::default(), "role"),
            (claims(&[("role", &["user"]), ("scope", scope), ("verified", &["true"])]), "role"),
            (claims(&[("role", &["admin"]), ("scope", &["orders:read"])]), "scope"),
            (claims(&[("role", &["admin"]), ("scope", scope), ("verified", &["1"])]), "verified"),
        ] {
            assert!(wanted.missing(&bad, None).is_some_and(|why| why.contains(named)), "{bad:?}");
        }
    }

    #[test]
    fn the_address_must_be_in_a_network() {
        let wanted = require(r#"{"network":["10.0.0.0/8","2001:db8::/32","192.0.2.7"]}"#);
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7"] {
            assert_eq!(wanted.missing(Claims::NONE, inside.parse().ok()), None, "{inside}");
        }
        for outside in ["11.1.2.3", "::1", "::a01:203", "192.0.2.8"] {
            assert!(wanted.missing(Claims::NONE, outside.parse().ok()).is_some(), "{outside}");
        }
        assert!(wanted.missing(Claims::NONE, None).is_some());
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        for json in [
            r#"{"network":["10.1.2.3/8"]}"#,
            r#"{"network":["10.0.0.0/33"]}"#,
            r#"{"network":["office"]}"#,
            r#"{"claims":{"role":[]}}"#,
            r#"{"claims":{"role":{}}}"#,
            r#"{"claim":{}}"#,
        ] {
            assert!(serde_json::from_str::<Require>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_written_comes_back() {
        for json in [
            r#"{"claims":{"a":"x","b":["x","y"]},"network":["10.0.0.0/8"]}"#,
            r#"{"network":["::1/128"]}"#,
            "{}",
        ] {
            assert_eq!(serde_json::to_string(&require(json)).expect(json), json);
        }
    }
}
