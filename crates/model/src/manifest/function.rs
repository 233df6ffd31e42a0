//! One function of a manifest: what it is, its limits, and what it asks for.

use super::allow::Allow;
use super::auth::Auth;
use super::cap::{self, Cap};
use super::config::Config;
use super::data::DataSpec;
use super::dialect::Dialect;
use super::environment::Environment;
use super::example::{self, Example};
use super::files::FilesSpec;
use super::from::SourceTrigger;
use super::http::HttpTrigger;
use super::later::AsyncSpec;
use super::native::NativeSpec;
use super::on::EventTrigger;
use super::rules::FileRules;
use super::schedule::ScheduleSpec;
use super::wasi::Wasi;
use super::webhook::WebhookSpec;
use crate::limit::Ceiling;
use crate::route::Route;
use crate::unit::{Duration, Size};
use crate::{Code, Digest, FunctionName, Limits, Problem, SharedStoreName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a function is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// A WebAssembly component in a fresh instance per invocation.
    #[default]
    Wasm,
    /// A process in a jail.
    Native,
}

/// How soon a record must be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Within 50 ms of the answer, by group commit.
    #[default]
    Grouped,
    /// Before the answer is sent.
    Strict,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionSpec {
    /// Its name, unique in the environment.
    pub name: FunctionName,
    /// How it is run.
    #[serde(default)]
    pub runtime: Runtime,
    /// How it is run, if its runtime is `native`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<NativeSpec>,
    /// The version of WASI that the component is built for. `0.3` is experimental, and a node has to
    /// allow it.
    #[serde(default, skip_serializing_if = "Wasi::is_default")]
    pub wasi: Wasi,
    /// The component's file, relative to the manifest; of a native function, the directory or the zip
    /// file of its package. Used by `casemate deploy` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The digest of the component, or of the list of the package's files. `casemate deploy` fills
    /// it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The command that builds `source`, for `/bin/sh` in the manifest's directory. `casemate build`,
    /// `watch` and `test` run it with your own rights; a node never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Longest wall time; for streams, longest silence. Default `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Longest silence of an answer whose head was sent, such as a stream of events. As `timeout`
    /// if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_idle: Option<Duration>,
    /// Most CPU time. Default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Duration>,
    /// Most memory over all memories and tables. Default `128MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Most invocations at a time. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How long a request may wait for a slot. Default `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_wait: Option<Duration>,
    /// Largest request body. Default `6MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Size>,
    /// Largest reply body. Default `32MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<Size>,
    /// Most bytes that one invocation may log. Default `256KiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Size>,
    /// How much it may use in so long. The operator's caps hold beside them.
    #[serde(rename = "cap", default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
    /// Whether the answer waits for its record to be on disk.
    #[serde(default)]
    pub record: Durability,
    /// The routes that the function answers.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// The times at which it is called.
    #[serde(rename = "schedule", default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<ScheduleSpec>,
    /// The events of its application that it is called with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<EventTrigger>,
    /// The senders of webhooks that it is called by.
    #[serde(rename = "webhook", default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookSpec>,
    /// The sources of the node's configuration that it is called with the messages of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<SourceTrigger>,
    /// What holds for its calls that are done later.
    #[serde(rename = "async", default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Box<AsyncSpec>>,
    /// What the function asks for. Requests only: grants make them true.
    #[serde(default)]
    pub allow: Allow,
    /// Names and values that the function reads through `wasi:config/store`. At most 100, and 64 KiB
    /// in all. Not secret: whoever may see the manifest sees them.
    #[serde(default, skip_serializing_if = "Config::is_empty")]
    pub config: Config,
    /// Environment variables that the function reads. Not secret. At most 100, and 32 KiB in all.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    pub environment: Environment,
    /// Files that the function carries and reads through `wasi:filesystem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesSpec>,
    /// What is done with sensitive data: on its way in, and where it comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<DataSpec>>,
    /// Words of the function's own for key-value stores: `default = "carts"` gives it the store
    /// `carts` when it opens `default`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stores: BTreeMap<String, SharedStoreName>,
    /// The other platform's conventions that the function was written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// How files are answered, for a directory of them: see [`super::AssetsSpec::member`]. No
    /// manifest says it of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub assets: Option<FileRules>,
    /// Examples that `casemate test` runs. `casemate deploy` does not send them.
    #[serde(rename = "example", default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

impl FunctionSpec {
    /// A bare component with safe defaults: one route below its name, a token required.
    #[must_use]
    pub fn bare(name: FunctionName, route: Option<Route>, auth: Auth) -> Self {
        let route = route.unwrap_or_else(|| Route::default_for(name.as_str()));
        Self {
            name,
            runtime: Runtime::Wasm,
            native: None,
            wasi: Wasi::default(),
            source: None,
            digest: None,
            build: None,
            timeout: None,
            stream_idle: None,
            cpu: None,
            memory: None,
            concurrency: None,
            queue_wait: None,
            request_body: None,
            response_body: None,
            log: None,
            caps: Vec::new(),
            record: Durability::Grouped,
            http: vec![HttpTrigger::new(route, auth)],
            schedules: Vec::new(),
            on: Vec::new(),
            webhooks: Vec::new(),
            from: Vec::new(),
            later: None,
            allow: Allow::default(),
            config: Config::default(),
            environment: Environment::default(),
            files: None,
            data: None,
            stores: BTreeMap::new(),
            dialect: None,
            assets: None,
            examples: Vec::new(),
        }
    }

    /// The limits that hold for this function.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let set = |slot: &mut u64, value: Option<u64>| {
            if let Some(value) = value {
                *slot = value;
            }
        };
        set(&mut limits.wall_ms, self.timeout.map(|d| d.ms));
        limits.stream_idle_ms = self.stream_idle.map_or(limits.wall_ms, |d| d.ms);
        set(&mut limits.cpu_ms, self.cpu.map(|d| d.ms));
        set(&mut limits.memory_bytes, self.memory.map(|s| s.bytes));
        set(&mut limits.queue_wait_ms, self.queue_wait.map(|d| d.ms));
        set(&mut limits.request_body_bytes, self.request_body.map(|s| s.bytes));
        set(&mut limits.response_body_bytes, self.response_body.map(|s| s.bytes));
        set(&mut limits.log_bytes, self.log.map(|s| s.bytes));
        limits.concurrency = self.concurrency.unwrap_or(limits.concurrency);
        limits
    }

    pub(super) fn check(&self, ceiling: &Ceiling) -> Result<(), Problem> {
        let fail = |key: &str, why: String| {
            Err(Problem::new(Code::ManifestValue)
                .detail(format!("function `{}`, `{key}`: {why}", self.name))
                .below(format_args!("/{}", key.replace('.', "/"))))
        };
        let durations = [
            ("timeout", self.timeout, ceiling.wall),
            ("stream_idle", self.stream_idle, ceiling.wall),
            ("cpu", self.cpu, ceiling.cpu),
            ("queue_wait", self.queue_wait, ceiling.wall),
        ];
        for (key, value, most) in durations {
            if value.is_some_and(|v| v > most || (v.ms == 0 && key != "queue_wait")) {
                return fail(key, format!("must be above 0s and at most {most} on this node"));
            }
        }
        let sizes = [
            ("memory", self.memory, ceiling.memory),
            ("request_body", self.request_body, ceiling.body),
            ("response_body", self.response_body, ceiling.body),
            ("log", self.log, Size::mib(16)),
        ];
        for (key, value, most) in sizes {
            if value.is_some_and(|v| v > most) {
                return fail(key, format!("must be at most {most} on this node"));
            }
        }
        if self.memory.is_some_and(|m| m.bytes < 65_536) {
            return fail("memory", "must be at least 64KiB, one page".to_owned());
        }
        if self.concurrency.is_some_and(|c| c == 0 || c > ceiling.concurrency) {
            return fail(
                "concurrency",
                format!("must be 1 to {} on this node", ceiling.concurrency),
            );
        }
        if let Err((at, key, why)) = cap::check(&self.caps) {
            let why = format!("function `{}`, `cap.{key}`: {why}", self.name);
            return Err(Problem::new(Code::ManifestValue)
                .detail(why)
                .below(format_args!("/cap/{at}/{key}")));
        }
        self.check_routes()?;
        self.check_schedules()?;
        self.check_events()?;
        self.check_webhooks()?;
        self.check_sources()?;
        self.check_later()?;
        if let Err(why) = self.config.check() {
            return fail("config", why);
        }
        self.check_secrets()?;
        self.check_data()?;
        self.check_tcp()?;
        self.check_surroundings()?;
        self.check_native()?;
        for asked in self.grants() {
            if let Err(error) = asked.grant.checked() {
                let why = format!("function `{}`, `{}`: {error}", self.name, asked.key);
                let wrong = Problem::new(Code::ManifestValue).detail(why);
                return Err(wrong.below(asked.pointer));
            }
        }
        example::check(&self.examples).map_err(|problem| {
            let why = problem.detail.clone().unwrap_or_default();
            problem.detail(format!("function `{}`, {why}", self.name))
        })
    }

    fn check_routes(&self) -> Result<(), Problem> {
        for (at, trigger) in self.http.iter().enumerate() {
            let below = |problem: Problem| problem.below(format_args!("/http/{at}"));
            if crate::route::is_own(&trigger.route.path) {
                let why = format!(
                    "function `{}`, `http.route`: paths below `/.casemate/` are the platform's",
                    self.name
                );
                return Err(below(Problem::new(Code::ManifestValue).detail(why).below("/route")));
            }
            if let Some(cors) = &trigger.cors {
                cors.check(&format!("function `{}`", self.name)).map_err(below)?;
            }
            if let Err((key, why)) = trigger.check() {
                let why = format!("function `{}`, `http.{key}`: {why}", self.name);
                let wrong = Problem::new(Code::ManifestValue).detail(why);
                return Err(below(wrong.below(format_args!("/{}", key.replace('.', "/")))));
            }
        }
        Ok(())
    }

    fn check_secrets(&self) -> Result<(), Problem> {
        for (name, using) in &self.allow.secret {
            let wrong = |why: String, place: String| {
                Err(Problem::new(Code::ManifestValue).detail(why).below(place))
            };
            if self.config.get(name.as_str()).is_some() {
                let why = format!(
                    "function `{}`, `config`: `{name}` is a secret's, whose placeholder is read there",
                    self.name
                );
                return wrong(why, "/config".to_owned());
            }
            if let Err(why) = using.check(&self.name, name) {
                return wrong(why, format!("/allow/secret/{name}"));
            }
        }
        Ok(())
    }
}
