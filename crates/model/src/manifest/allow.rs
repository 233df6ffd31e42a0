//! What a function asks for. Requests only: grants make them true.

use super::FunctionSpec;
use super::secret::SecretUse;
use crate::store::Access;
use crate::{Action, ApplicationName, Destination, FunctionName, Grant, Principal, SecretName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a function asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Outgoing requests, each `METHOD URL`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<String>,
    /// Key-value stores, or some keys of one: `carts = "read-write"`, `"carts/{sub}/*" = "read"`.
    /// `default` is the function's own; all others are shared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keyvalue: BTreeMap<String, Access>,
    /// Containers of blobs, or some objects of one: `photos = "read-write"`,
    /// `"photos/{sub}/*" = "read"`. `default` is the function's own; all others are shared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blobs: BTreeMap<String, Access>,
    /// Functions of the same environment that it calls, as `http://NAME.fn.casemate.internal/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invoke: Vec<FunctionName>,
    /// Applications to which it publishes events, at `http://events.casemate.internal/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<ApplicationName>,
    /// Where it connects to over TCP, each `HOST:PORT`, such as `db.internal:5432`. For native
    /// functions only: a component has no sockets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tcp: Vec<Destination>,
    /// Secrets that the platform puts into outgoing requests, or signs them with, by name. The
    /// function never sees them, but for those of which it says `reveal`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret: BTreeMap<SecretName, SecretUse>,
}

impl FunctionSpec {
    /// The grants that would make everything true that the function asks for.
    pub fn grants(&self) -> impl Iterator<Item = Asked> {
        let who = Principal::Function(self.name.clone());
        let targets = self.data.iter().flat_map(|data| data.targets());
        let reveals = targets.map(move |(at, target)| Asked {
            key: "data.reveal",
            pointer: format!("/data/reveal/{at}/to"),
            grant: Grant { who: who.clone(), action: Action::DataReveal { target } },
        });
        self.allow.grants(&self.name).chain(reveals).chain(self.told_grants())
    }
}

/// One thing that is asked for, as the grant that would make it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The manifest's key, such as `allow.http`.
    pub key: &'static str,
    /// Where it stands in the function's table: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The grant.
    pub grant: Grant,
}

impl Allow {
    /// The grants that would make everything true that `function` asks for.
    pub fn grants(&self, function: &FunctionName) -> impl Iterator<Item = Asked> {
        let who = Principal::Function(function.clone());
        let asked = move |key, place: String, action| Asked {
            key,
            pointer: format!("/{}/{place}", key.replace('.', "/")),
            grant: Grant { who: who.clone(), action },
        };
        let http = self.http.iter().enumerate().map(|(at, target)| {
            ("allow.http", at.to_string(), Action::Http { target: target.clone() })
        });
        let part = |(what, access): (&String, &Access)| {
            let target = format!("{} {what}", access.word());
            (what.replace('~', "~0").replace('/', "~1"), target)
        };
        let keyvalue = self
            .keyvalue
            .iter()
            .map(part)
            .map(|(place, target)| ("allow.keyvalue", place, Action::KeyValue { target }));
        let blobs = self
            .blobs
            .iter()
            .map(part)
            .map(|(place, target)| ("allow.blobs", place, Action::Blob { target }));
        let invoke = self.invoke.iter().enumerate().map(|(at, name)| {
            ("allow.invoke", at.to_string(), Action::Invoke { function: name.clone() })
        });
        let tcp = self.tcp.iter().enumerate().map(|(at, target)| {
            ("allow.tcp", at.to_string(), Action::Tcp { target: target.clone() })
        });
        let secret = self.secret.iter().flat_map(|(name, using)| {
            let used = using.targets(name).map(|target| Action::Secret { target });
            let read = using.reveal.then(|| Action::Reveal { target: name.clone() });
            used.chain(read).map(|action| ("allow.secret", name.to_string(), action))
        });
        let publish = self.publish.iter().enumerate().map(|(at, application)| {
            let application = application.clone();
            ("allow.publish", at.to_string(), Action::Publish { application })
        });
        let calls = invoke.chain(publish);
        let all = http.chain(keyvalue).chain(blobs).chain(calls).chain(tcp).chain(secret);
        all.map(move |(key, place, action)| asked(key, place, action))
    }
}
