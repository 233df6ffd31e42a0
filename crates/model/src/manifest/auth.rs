//! Who a route is for: one way to say who asks, or several.

use crate::IssuerName;
use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// One way for a caller to say who it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Way {
    /// With an API token.
    Token,
    /// Not at all.
    Public,
    /// With a token of this issuer.
    Jwt(IssuerName),
    /// With a client certificate.
    Mtls,
}

/// Who a route asks to be callable by. A request, like everything in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Holders of an API token that was granted the function.
    #[default]
    Token,
    /// Everybody, once `public invoke FUNCTION` is granted.
    Public,
    /// Callers who say who they are in one of these ways, and nobody else.
    Ways(Vec<Way>),
}

impl Auth {
    /// The ways to say who asks.
    #[must_use]
    pub fn ways(&self) -> &[Way] {
        match self {
            Self::Token => &[Way::Token],
            Self::Public => &[Way::Public],
            Self::Ways(ways) => ways,
        }
    }

    /// Whether callers without a credential are meant, too.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.ways().contains(&Way::Public)
    }

    /// Whether client certificates are taken.
    #[must_use]
    pub fn takes_certificates(&self) -> bool {
        self.ways().contains(&Way::Mtls)
    }

    /// The issuers whose tokens are taken.
    pub fn issuers(&self) -> impl Iterator<Item = &IssuerName> {
        self.ways().iter().filter_map(|way| match way {
            Way::Jwt(issuer) => Some(issuer),
            _ => None,
        })
    }

    fn of(mut ways: Vec<Way>) -> Result<Self, String> {
        let count = ways.len();
        ways.sort();
        ways.dedup();
        if ways.is_empty() || ways.len() < count {
            return Err(
                "`auth` lists at least one way, and each of them once: write `token`, `public`, \
                        `jwt:ISSUER` or `mtls`"
                    .to_owned(),
            );
        }
        Ok(match ways.as_slice() {
            [Way::Token] => Self::Token,
            [Way::Public] => Self::Public,
            _ => Self::Ways(ways),
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("token"),
            Self::Public => f.write_str("public"),
            Self::Jwt(issuer) => write!(f, "jwt:{issuer}"),
            Self::Mtls => f.write_str("mtls"),
        }
    }
}

impl From<Way> for String {
    fn from(way: Way) -> Self {
        way.to_string()
    }
}

impl TryFrom<String> for Way {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match (text.as_str(), text.strip_prefix("jwt:")) {
            ("token", _) => Ok(Self::Token),
            ("public", _) => Ok(Self::Public),
            ("mtls", _) => Ok(Self::Mtls),
            (_, Some(issuer)) => {
                IssuerName::parse(issuer).map(Self::Jwt).map_err(|error| error.to_string())
            }
            _ => Err(format!(
                "`{}` is no way to say who asks: write `token`, `public`, `jwt:ISSUER` or `mtls`",
                text.chars().take(80).collect::<String>().escape_debug()
            )),
        }
    }
}

/// One way is written as a text, several as a list.
impl Serialize for Auth {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.ways() {
            [way] => way.serialize(to),
            ways => ways.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Auth {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Vec<Way>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`token`, `public`, `jwt:ISSUER`, `mtls`, or a list of them")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<Way>, E> {
                Way::try_from(text.to_owned()).map(|way| vec![way]).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<Way>, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(items))
            }
        }
        Self::of(from.deserialize_any(Either)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Auth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Auth".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let way =
            serde_json::json!({ "type": "string", "pattern": "^(token|public|mtls|jwt:.+)$" });
        schemars::json_schema!({
            "description": "Who a route asks to be callable by: `token`, `public`, `jwt:ISSUER`, `mtls`, or a list of them.",
            "oneOf": [way, { "type": "array", "items": way, "minItems": 1, "uniqueItems": true }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_is_a_text_and_several_are_a_list() {
        for (json, ways) in [
            (r#""token""#, 1),
            (r#""public""#, 1),
            (r#""jwt:shop""#, 1),
            (r#""mtls""#, 1),
            (r#"["token","jwt:shop"]"#, 2),
        ] {
            let auth: Auth = serde_json::from_str(json).expect(json);
            assert_eq!(auth.ways().len(), ways);
            assert_eq!(serde_json::to_string(&auth).expect(json), json);
        }
        assert_eq!(serde_json::from_str::<Auth>(r#"["token"]"#).expect("one"), Auth::Token);
    }

    #[test]
    fn refuses_what_names_nobody() {
        for json in [
            r#""Token""#,
            r#""jwt:""#,
            r#""jwt:Shop""#,
            r#""basic""#,
            "[]",
            r#"["token","token"]"#,
            "true",
            "{}",
        ] {
            assert!(serde_json::from_str::<Auth>(json).is_err(), "{json}");
        }
    }
}
