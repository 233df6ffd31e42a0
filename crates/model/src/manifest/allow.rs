//! What a function asks for. Requests only: grants make them true.

use crate::store::Access;
use crate::{Action, FunctionName, Grant, Principal};
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
    /// Functions of the same environment that it calls, as `http://NAME.fn.casemate.internal/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invoke: Vec<FunctionName>,
}

impl Allow {
    /// The grants that would make everything true that `function` asks for.
    pub fn grants(&self, function: &FunctionName) -> impl Iterator<Item = (&'static str, Grant)> {
        let grant = |action| Grant { who: Principal::Function(function.clone()), action };
        let http = self
            .http
            .iter()
            .map(move |target| ("allow.http", grant(Action::Http { target: target.clone() })));
        let keyvalue = self.keyvalue.iter().map(move |(what, access)| {
            let target = format!("{} {what}", access.word());
            ("allow.keyvalue", grant(Action::KeyValue { target }))
        });
        let invoke = self
            .invoke
            .iter()
            .map(move |name| ("allow.invoke", grant(Action::Invoke { function: name.clone() })));
        http.chain(keyvalue).chain(invoke)
    }
}
