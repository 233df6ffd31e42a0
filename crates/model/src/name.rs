//! Names that people choose, each a type of its own.
//!
//! Invariant: a value of these types is 1 to 63 characters of `a-z`, `0-9` and `-`, begins with a
//! letter and does not end with `-`; so it can stand in a path, a key name, a Cedar entity or a
//! host name without escaping, and can never climb out of a directory.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest name, in bytes: one DNS label (RFC 1035, section 2.3.4).
pub const NAME_BYTES_MAX: usize = 63;

/// Names that the platform keeps for itself.
const RESERVED: &[&str] = &[
    "admin", "casemate", "events", "fn", "healthz", "host", "internal", "node", "operator",
    "public", "readyz", "system", "v1",
];

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is empty.
    #[error("a {kind} name is empty")]
    Empty { kind: &'static str },
    /// The text has more than [`NAME_BYTES_MAX`] bytes.
    #[error("the {kind} name `{start}…` is longer than {NAME_BYTES_MAX} characters")]
    TooLong { kind: &'static str, start: String },
    /// A character outside the alphabet, or in a place where it may not stand.
    #[error("`{}` is no {kind} name: use lower-case letters, digits and `-`, begin with a letter, and do not end with `-`", .text.escape_debug())]
    Alphabet { kind: &'static str, text: String },
    /// The name is kept for the platform.
    #[error("the {kind} name `{text}` is reserved")]
    Reserved { kind: &'static str, text: String },
}

fn check(kind: &'static str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::Empty { kind });
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(Error::TooLong { kind, start: text.chars().take(20).collect() });
    }
    let bytes = text.as_bytes();
    let alphabet = bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !alphabet || !bytes[0].is_ascii_lowercase() || bytes[bytes.len() - 1] == b'-' {
        return Err(Error::Alphabet { kind, text: text.chars().take(80).collect() });
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, reserved: $reserved:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(std::sync::Arc<str>);

        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                // What was written to disk must stay readable after a word became reserved, so
                // only the alphabet is checked there.
                let written = !from.is_human_readable();
                let text = std::borrow::Cow::<'_, str>::deserialize(from)?;
                let name = match written {
                    true => check($kind, &text).map(|()| Self(text.as_ref().into())),
                    false => Self::parse(&text),
                };
                name.map_err(serde::de::Error::custom)
            }
        }

        impl $type {
            /// Checks `text` against the alphabet and the reserved names.
            ///
            /// # Errors
            /// [`Error`] says what is wrong with it.
            pub fn parse(text: &str) -> Result<Self, Error> {
                check($kind, text)?;
                if $reserved.contains(&text) {
                    return Err(Error::Reserved { kind: $kind, text: text.to_owned() });
                }
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $type {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::parse(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
                    "description": concat!("A ", $kind, " name: lower-case letters, digits and `-`.")
                })
            }
        }
    };
}

name!(
    /// A tenant: the outermost wall. `default` where nothing else is said.
    TenantName, "tenant", reserved: ["casemate", "node", "system"]
);
name!(
    /// An environment of a tenant, such as `main` or `staging`. `main` where nothing else is said.
    EnvironmentName, "environment", reserved: ["casemate", "node", "system"]
);
name!(
    /// An application: the set of functions that are deployed, rolled back and removed together.
    ApplicationName, "application", reserved: RESERVED
);
name!(
    /// A function, unique within its tenant and environment.
    FunctionName, "function", reserved: RESERVED
);
name!(
    /// What an API token is called.
    TokenName, "token", reserved: RESERVED
);
name!(
    /// What a node's configuration calls an issuer of tokens.
    IssuerName, "issuer", reserved: RESERVED
);
name!(
    /// A key-value store that functions share.
    SharedStoreName, "store", reserved: ["default"]
);
name!(
    /// A trigger: what calls a function without a request, such as a schedule.
    TriggerName, "trigger", reserved: RESERVED
);
name!(
    /// A secret that functions use.
    SecretName, "secret", reserved: ["casemate"]
);

/// A tenant and one of its environments: where every name below lives.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Scope {
    /// The tenant.
    pub tenant: TenantName,
    /// Its environment.
    pub environment: EnvironmentName,
}

impl Default for Scope {
    fn default() -> Self {
        Self { tenant: TenantName("default".into()), environment: EnvironmentName("main".into()) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.environment)
    }
}

/// One function, fully named.
///
/// For people it is one flat object of `tenant`, `environment` and `name`; on disk, in a form
/// without keys, the three texts one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
pub struct FunctionRef {
    /// Where it lives.
    #[schemars(flatten)]
    pub scope: Scope,
    /// Its name there.
    pub name: FunctionName,
}

impl fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.name)
    }
}

impl Serialize for FunctionRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            tenant: &'a TenantName,
            environment: &'a EnvironmentName,
            name: &'a FunctionName,
        }
        let Self { scope: Scope { tenant, environment }, name } = self;
        if serializer.is_human_readable() {
            Flat { tenant, environment, name }.serialize(serializer)
        } else {
            (tenant, environment, name).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for FunctionRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Flat {
            tenant: TenantName,
            environment: EnvironmentName,
            name: FunctionName,
        }
        if deserializer.is_human_readable() {
            let Flat { tenant, environment, name } = Flat::deserialize(deserializer)?;
            return Ok(Self { scope: Scope { tenant, environment }, name });
        }
        let (tenant, environment, name) = Deserialize::deserialize(deserializer)?;
        Ok(Self { scope: Scope { tenant, environment }, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_flat_for_people_and_a_row_of_texts_on_disk() {
        let function = FunctionRef {
            scope: Scope::default(),
            name: FunctionName::parse("orders").expect("a name"),
        };
        let json = r#"{"tenant":"default","environment":"main","name":"orders"}"#;
        assert_eq!(serde_json::to_string(&function).expect("json"), json);
        assert_eq!(serde_json::from_str::<FunctionRef>(json).expect("json"), function);
        let bytes = postcard::to_stdvec(&function).expect("bytes");
        assert_eq!(bytes, b"\x07default\x04main\x06orders");
        assert_eq!(postcard::from_bytes::<FunctionRef>(&bytes).expect("bytes"), function);
        assert!(postcard::from_bytes::<FunctionRef>(b"\x07default\x04main\x04../x").is_err());
        // `admin` is reserved today; what was written before stays readable.
        assert!(postcard::from_bytes::<FunctionRef>(b"\x07default\x04main\x05admin").is_ok());
    }

    #[test]
    fn accepts_ordinary_names() {
        for text in ["a", "orders", "order-2", "x1-y2-z3", &"a".repeat(63)] {
            assert_eq!(FunctionName::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn refuses_what_could_climb_clash_or_confuse() {
        for text in [
            "",
            "../etc",
            "a/b",
            "A",
            "1a",
            "-a",
            "a-",
            "a_b",
            "a.b",
            "é",
            "a\0",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(FunctionName::parse(text).is_err(), "{text:?}");
        }
        assert!(matches!(FunctionName::parse("admin"), Err(Error::Reserved { .. })));
    }

    #[test]
    fn json_cannot_smuggle_a_bad_name() {
        assert!(serde_json::from_str::<FunctionName>(r#""../x""#).is_err());
    }
}
