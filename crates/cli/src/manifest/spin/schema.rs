//! `spin.toml` version 2, as far as it matters here. What is not read has no counterpart, and says
//! nothing about how an application runs.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// An application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    #[serde(rename = "spin_manifest_version")]
    _version: Value,
    pub(super) application: Details,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    #[serde(default, rename = "trigger")]
    pub(super) triggers: Triggers,
    #[serde(default, rename = "component")]
    pub(super) components: BTreeMap<String, Component>,
}

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Details {
    pub(super) name: String,
    #[serde(default, rename = "version")]
    _version: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    #[serde(default, rename = "trigger")]
    pub(super) triggers: BTreeMap<String, Table>,
    #[serde(default, rename = "tool")]
    _tool: Table,
}

/// `[variables]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) secret: bool,
}

/// `[[trigger.TYPE]]`
#[derive(Debug, Default, Deserialize)]
pub(super) struct Triggers {
    #[serde(default)]
    pub(super) http: Vec<HttpTrigger>,
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

/// `[[trigger.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpTrigger {
    #[serde(default)]
    pub(super) id: Option<String>,
    pub(super) route: Route,
    #[serde(default)]
    pub(super) component: Option<ComponentSpec>,
    #[serde(default)]
    pub(super) components: Table,
    #[serde(default)]
    pub(super) dependencies: Table,
    #[serde(default)]
    pub(super) executor: Option<Executor>,
    #[serde(default)]
    pub(super) static_response: Option<Value>,
}

/// Where a trigger listens.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Route {
    Path(String),
    Private { private: bool },
}

/// The component of a trigger: its name, or itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ComponentSpec {
    Named(String),
    Inline(Box<Component>),
}

/// How a component is called.
#[derive(Debug, Deserialize)]
pub(super) struct Executor {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// `[component.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    pub(super) source: Source,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) files: Vec<Mount>,
    #[serde(default)]
    pub(super) exclude_files: Vec<String>,
    #[serde(default)]
    pub(super) allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub(super) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(super) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(super) sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(super) ai_models: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    #[serde(default)]
    pub(super) build: Option<Build>,
    #[serde(default, rename = "tool")]
    _tool: Table,
    #[serde(default, rename = "dependencies_inherit_configuration")]
    _inherit: bool,
    #[serde(default)]
    pub(super) dependencies: Table,
    #[serde(default, rename = "profile")]
    _profile: Table,
}

/// Where a component comes from.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Source {
    Local(String),
    Remote {},
}

/// Files of a component.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Mount {
    Pattern(String),
    Placed { source: String, destination: String },
}

/// `[component.NAME.build]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    pub(super) command: Commands,
    #[serde(default)]
    pub(super) workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

/// One command, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Commands {
    One(String),
    Several(Vec<String>),
}
