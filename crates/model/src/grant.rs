//! Grants: what somebody was allowed, as a ledgered row.

mod target;

pub use target::{DataTarget, REPLY, SecretTarget};

use crate::destination::Host;
use crate::{
    ApplicationName, Destination, FunctionName, IssuerName, SecretName, Subject, TokenName,
    TriggerName,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// Who is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Principal {
    /// Everybody, with or without a credential.
    Public,
    /// The holder of an API token.
    Token(TokenName),
    /// A function of the same environment.
    Function(FunctionName),
    /// Everybody whom a valid token of an issuer names.
    Issuer(IssuerName),
    /// Whom tokens of an issuer name like this.
    Subject(IssuerName, Subject),
    /// Everybody with a client certificate that the node trusts.
    AnyCertificate,
    /// The holder of a client certificate of this name.
    Certificate(Subject),
    /// A trigger of a function of the same environment, such as a schedule.
    Trigger(TriggerName),
}

/// What for.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase", tag = "action")]
pub enum Action {
    /// To invoke a function.
    Invoke {
        /// The function.
        function: FunctionName,
    },
    /// To send an outgoing HTTP request.
    Http {
        /// `METHOD URL`, where the path may end in `*`.
        target: String,
    },
    /// To use a key-value store.
    KeyValue {
        /// `ACCESS STORE` or `ACCESS STORE/KEYS`: see [`crate::store::StoreTarget`].
        target: String,
    },
    /// To use a container of blobs.
    Blob {
        /// `ACCESS CONTAINER` or `ACCESS CONTAINER/NAMES`: see [`crate::store::StoreTarget`].
        target: String,
    },
    /// To have a secret put into outgoing requests.
    Secret {
        /// `NAME for URL`: see [`SecretTarget`].
        target: String,
    },
    /// To connect over TCP, in whatever protocol.
    Tcp {
        /// Where to.
        target: Destination,
    },
    /// To read the value of a secret.
    #[serde(rename = "secret-reveal")]
    Reveal {
        /// The secret.
        target: SecretName,
    },
    /// To have values of a class come back in outgoing requests.
    #[serde(rename = "data-reveal")]
    DataReveal {
        /// `CLASS for URL as PURPOSE`: see [`DataTarget`].
        target: String,
    },
    /// To have a function that may be invoked do its work later.
    #[serde(rename = "invoke-async")]
    InvokeAsync {
        /// The function.
        function: FunctionName,
    },
    /// To publish events to an application's functions.
    Publish {
        /// The application.
        application: ApplicationName,
    },
}

/// One grant.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Grant {
    /// Who.
    pub who: Principal,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// A text that is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a principal.
    #[error(
        "`{}` is nobody: write `public`, `token:NAME`, `jwt:ISSUER`, `jwt:ISSUER/SUBJECT`, `mtls:*`, `mtls:SUBJECT`, `trigger:NAME` or `function:NAME`",
        .0.escape_debug()
    )]
    Principal(String),
    /// A subject inside is wrong.
    #[error(transparent)]
    Subject(#[from] crate::subject::Error),
    /// A name inside is wrong.
    #[error(transparent)]
    Name(#[from] crate::name::Error),
    /// Not an action.
    #[error("`{}` is no action: write `invoke`, `invoke-async`, `http`, `keyvalue`, `blob`, `secret`, `secret-reveal`, `data-reveal`, `publish` or `tcp`", .0.escape_debug())]
    Action(String),
    /// Not an outgoing target.
    #[error("`{}` is no target: write a method and a URL, such as `GET https://api.example.com/v1/*`", .0.escape_debug())]
    Target(String),
    /// Not a store.
    #[error("`{}` is no access to a store: write `read`, `write` or `read-write`, a store and perhaps keys, such as `read-write carts` or `read carts/{{sub}}/*`", .0.escape_debug())]
    Store(String),
    /// Not a secret and its destination.
    #[error("`{}` is no secret and its destination: write a name and a URL, such as `psp for https://api.example.com`", .0.escape_debug())]
    Secret(String),
    /// Not a class with its destination and purpose.
    #[error("`{}` is no class with a destination and a purpose: write such as `pan for https://api.example.com as payment`", .0.escape_debug())]
    Data(String),
    /// Not a place to connect to.
    #[error(transparent)]
    Destination(#[from] crate::destination::Error),
    /// A pairing that means nothing.
    #[error("`{who}` cannot be granted `{action}`")]
    Pairing { who: String, action: &'static str },
}

impl Grant {
    /// Reads a grant from its three parts.
    ///
    /// # Errors
    /// [`Error`] says which part is wrong.
    pub fn parse(who: &str, action: &str, what: &str) -> Result<Self, Error> {
        let who: Principal = who.parse()?;
        let action = match action {
            "invoke" => Action::Invoke { function: FunctionName::parse(what)? },
            "invoke-async" => Action::InvokeAsync { function: FunctionName::parse(what)? },
            "publish" => Action::Publish { application: ApplicationName::parse(what)? },
            "http" => Action::Http { target: check_target(what)? },
            "keyvalue" => Action::KeyValue { target: check_store(what)? },
            "blob" => Action::Blob { target: check_store(what)? },
            "secret" => Action::Secret { target: check_secret(what)? },
            "secret-reveal" => Action::Reveal { target: SecretName::parse(what)? },
            "data-reveal" => Action::DataReveal { target: check_data(what)? },
            "tcp" => Action::Tcp { target: Destination::parse(what)? },
            other => return Err(Error::Action(other.chars().take(40).collect())),
        };
        Self { who, action }.checked()
    }

    /// Refuses pairings that mean nothing.
    ///
    /// # Errors
    /// [`Error::Pairing`] or [`Error::Target`].
    pub fn checked(self) -> Result<Self, Error> {
        match (&self.who, &self.action) {
            (Principal::Function(_), Action::Http { target }) => {
                check_target(target)?;
                Ok(self)
            }
            (Principal::Function(_), Action::KeyValue { target } | Action::Blob { target }) => {
                check_store(target)?;
                Ok(self)
            }
            (Principal::Function(_), Action::Secret { target }) => {
                check_secret(target)?;
                Ok(self)
            }
            (Principal::Function(_), Action::DataReveal { target }) => {
                check_data(target)?;
                Ok(self)
            }
            (Principal::Function(_), Action::Reveal { .. } | Action::Tcp { .. })
            | (_, Action::Invoke { .. }) => Ok(self),
            // Whose events are believed has to be somebody; a trigger only calls its function.
            (who, Action::Publish { .. })
                if !matches!(who, Principal::Public | Principal::Trigger(_)) =>
            {
                Ok(self)
            }
            // Whoever leaves work behind has to be somebody; a trigger does nothing else.
            (who, Action::InvokeAsync { .. })
                if !matches!(
                    who,
                    Principal::Function(_) | Principal::Public | Principal::Trigger(_)
                ) =>
            {
                Ok(self)
            }
            (who, action) => Err(Error::Pairing { who: who.to_string(), action: action.word() }),
        }
    }
}

fn check_store(text: &str) -> Result<String, Error> {
    match crate::store::StoreTarget::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Error::Store(text.chars().take(120).collect())),
    }
}

fn check_secret(text: &str) -> Result<String, Error> {
    match SecretTarget::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Error::Secret(text.chars().take(120).collect())),
    }
}

fn check_data(text: &str) -> Result<String, Error> {
    match DataTarget::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Error::Data(text.chars().take(120).collect())),
    }
}

fn check_target(text: &str) -> Result<String, Error> {
    let wrong = || Error::Target(text.chars().take(120).collect());
    let (method, url) = text.split_once(' ').ok_or_else(wrong)?;
    let method_ok =
        method == "*" || (!method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase()));
    // Nobody else looks at what follows a `#`.
    let plain = !url.contains(|c: char| c.is_control() || c.is_whitespace());
    let uri: http::Uri = url.trim_end_matches('*').parse().map_err(|_| wrong())?;
    let scheme_ok = matches!(uri.scheme_str(), Some("http" | "https"));
    if !method_ok || !scheme_ok || !plain || uri.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

impl Action {
    /// The function that is called by it.
    #[must_use]
    pub const fn function(&self) -> Option<&FunctionName> {
        match self {
            Self::Invoke { function } | Self::InvokeAsync { function } => Some(function),
            Self::Http { .. }
            | Self::KeyValue { .. }
            | Self::Blob { .. }
            | Self::Secret { .. }
            | Self::Tcp { .. }
            | Self::Reveal { .. }
            | Self::DataReveal { .. }
            | Self::Publish { .. } => None,
        }
    }

    /// The word for it on the command line.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Invoke { .. } => "invoke",
            Self::Http { .. } => "http",
            Self::KeyValue { .. } => "keyvalue",
            Self::Blob { .. } => "blob",
            Self::Secret { .. } => "secret",
            Self::Reveal { .. } => "secret-reveal",
            Self::DataReveal { .. } => "data-reveal",
            Self::Tcp { .. } => "tcp",
            Self::InvokeAsync { .. } => "invoke-async",
            Self::Publish { .. } => "publish",
        }
    }
}

impl std::str::FromStr for Principal {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "public" {
            return Ok(Self::Public);
        }
        match text.split_once(':') {
            Some(("token", name)) => Ok(Self::Token(TokenName::parse(name)?)),
            Some(("function", name)) => Ok(Self::Function(FunctionName::parse(name)?)),
            Some(("jwt", rest)) => match rest.split_once('/') {
                None => Ok(Self::Issuer(IssuerName::parse(rest)?)),
                Some((issuer, subject)) => {
                    Ok(Self::Subject(IssuerName::parse(issuer)?, Subject::parse(subject)?))
                }
            },
            Some(("trigger", name)) => Ok(Self::Trigger(TriggerName::parse(name)?)),
            Some(("mtls", "*")) => Ok(Self::AnyCertificate),
            Some(("mtls", subject)) => Ok(Self::Certificate(Subject::parse(subject)?)),
            _ => Err(Error::Principal(text.chars().take(80).collect())),
        }
    }
}

impl TryFrom<String> for Principal {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.to_string()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Function(name) => write!(f, "function:{name}"),
            Self::Trigger(name) => write!(f, "trigger:{name}"),
            Self::Issuer(issuer) => write!(f, "jwt:{issuer}"),
            Self::Subject(issuer, subject) => write!(f, "jwt:{issuer}/{subject}"),
            Self::AnyCertificate => f.write_str("mtls:*"),
            Self::Certificate(subject) => write!(f, "mtls:{subject}"),
        }
    }
}

impl schemars::JsonSchema for Principal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Principal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(public|token:.+|function:.+|jwt:.+|mtls:.+|trigger:.+)$" })
    }
}

impl fmt::Display for Grant {
    /// The form that `casemate grant` and `casemate revoke` take.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Invoke { function } => write!(f, "{} invoke {function}", self.who),
            Action::Http { target } => write!(f, "{} http \"{target}\"", self.who),
            Action::InvokeAsync { function } => write!(f, "{} invoke-async {function}", self.who),
            Action::Publish { application } => write!(f, "{} publish {application}", self.who),
            Action::KeyValue { target } => write!(f, "{} keyvalue \"{target}\"", self.who),
            Action::Blob { target } => write!(f, "{} blob \"{target}\"", self.who),
            Action::Secret { target } => write!(f, "{} secret \"{target}\"", self.who),
            Action::DataReveal { target } => write!(f, "{} data-reveal \"{target}\"", self.who),
            Action::Reveal { target } => write!(f, "{} secret-reveal {target}", self.who),
            Action::Tcp { target } if matches!(target.host(), Host::Address(IpAddr::V6(_))) => {
                // Brackets mean something to shells.
                write!(f, "{} tcp \"{target}\"", self.who)
            }
            Action::Tcp { target } => write!(f, "{} tcp {target}", self.who),
        }
    }
}

#[cfg(test)]
mod tests;
