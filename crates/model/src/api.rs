//! Bodies of the admin API, shared by the server and the command line.

mod cap;
mod cost;
mod data;
mod handing;
mod interpreter;
mod key;
mod ledger;
mod node;
mod queue;
mod schedule;
mod secret;
mod source;
mod started;
mod trigger;

pub use cap::{CapState, Caps, LiftRequest, Lifted, Proposal, Proposals};
pub use cost::{CostBy, CostRow, Costs, Price};
pub use data::{EraseRequest, Erased, REASON_CHARS_MAX, RevealRequest, Revealed, TOKENS_MAX};
pub use handing::{
    CLASSES_MAX, KeyExportRequest, KeyExported, KeyHanded, KeyImportRequest, KeyImported, KeyPublic,
};
pub use interpreter::Interpreter;
pub use key::{
    KeyEpoch, KeyProgress, KeyRetireRequest, KeyRetired, KeyRewrap, KeyRotateRequest, KeyRotated,
    KeySeal, KeyThings, Keys,
};
pub use ledger::{LedgerEntry, LedgerHead};
pub use node::Node;
pub use queue::{Accepted, Peeked, PurgeRequest, Purged, Queued, RedriveRequest, Redriven};
pub use schedule::Schedule;
pub use secret::{SecretInfo, SecretWritten};
pub use source::Source;
pub use trigger::{EventTriggerInfo, EventTriggers};

use crate::manifest::{Auth, Manifest};
use crate::revision::{DeploymentRow, RevisionRow};
use crate::route::Route;
use crate::wire::v1;
use crate::{
    ApplicationName, Digest, FunctionName, Grant, InvocationId, Timestamp, TokenName, Usage,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The API's version, in every path.
pub const VERSION: &str = "v1";

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; nothing follows if absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// `PUT …/applications/{application}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployRequest {
    /// What to deploy, with the digest of every component.
    pub manifest: Manifest,
    /// Write the grants that the manifest asks for, too.
    #[serde(default)]
    pub grant: bool,
}

/// The answer to a deployment or a rollback.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Deployed {
    /// The application.
    pub application: ApplicationName,
    /// Its active deployment.
    pub deployment: u32,
    /// Its functions.
    pub functions: Vec<Function>,
    /// Grants that the manifest asks for and that nobody gave.
    pub wanted: Vec<Grant>,
    /// Grants that were written with it.
    pub granted: Vec<Grant>,
    /// The ledger entry.
    pub leaf: u64,
}

/// An application, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// Its name.
    pub application: ApplicationName,
    /// Its active deployment.
    pub deployment: u32,
    /// How many functions it has.
    pub functions: usize,
}

/// A function, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// Its name.
    pub name: FunctionName,
    /// Its application.
    pub application: ApplicationName,
    /// Its revision.
    pub revision: u32,
    /// The revision's digest.
    pub digest: Digest,
    /// Its component.
    pub artifact: Digest,
    /// Its routes.
    pub routes: Vec<Route>,
    /// For each route, in the same order, how its callers say who they are. None from a node that
    /// does not say.
    #[serde(default)]
    pub auth: Vec<Auth>,
    /// Whether everybody may call it.
    pub public: bool,
    /// Whether answers wait for the disk.
    pub strict: bool,
    /// A URL to try for each route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Its files, if it is a directory of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
}

/// How much a directory of files holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Files {
    /// Files.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// `POST …/artifacts/missing`, and its answer: those of them that the node does not hold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// The digests.
    pub digests: Vec<Digest>,
}

/// `GET …/functions/{function}/revisions`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Revisions {
    /// The function's revisions, newest first.
    pub revisions: Vec<RevisionRow>,
    /// Its application's deployments, newest first.
    pub deployments: Vec<DeploymentRow>,
}

/// `POST …/applications/{application}/rollback`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The deployment; the one before the active one if absent.
    #[serde(default)]
    pub to: Option<u32>,
}

/// `POST …/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What to call it.
    pub name: TokenName,
    /// Functions that it may invoke.
    #[serde(default)]
    pub invoke: Vec<FunctionName>,
    /// How long it works; for ever if absent.
    #[serde(default)]
    pub expires_in: Option<crate::unit::Duration>,
    /// Whether its holder signs requests with a key, as AWS has it, and shows no token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aws: bool,
    /// Whether its holder may make, change and remove functions, too. Only for a key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manage: bool,
}

/// The answer to `POST …/tokens`: the only time that the token is seen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreated {
    /// Its name.
    pub name: TokenName,
    /// The token; absent where a key is in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The name of the key, in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The key, in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// A token, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Its name.
    pub name: TokenName,
    /// Its public part.
    pub id: crate::token::TokenId,
    /// The name of its key, if its holder signs requests as AWS has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Functions that it may invoke.
    pub invoke: Vec<FunctionName>,
}

/// A flight record, as people and programs read it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The invocation.
    pub id: InvocationId,
    /// The first of its tree.
    pub root: InvocationId,
    /// What caused it.
    pub parent: Option<InvocationId>,
    /// Its tenant.
    pub tenant: String,
    /// Its environment.
    pub env: String,
    /// The function.
    pub function: FunctionName,
    /// The revision that ran.
    pub revision: u32,
    /// That revision's digest.
    pub digest: Digest,
    /// The version of the policies that decided.
    pub policy: u64,
    /// Who.
    pub caller: String,
    /// What: the method and the route, or `invoke`.
    pub trigger: String,
    /// When it was accepted, RFC 3339.
    pub start: String,
    /// When it was accepted, in microseconds UTC.
    pub start_us: i64,
    /// When it ended; absent while it runs.
    pub end_us: Option<i64>,
    /// How it ended, or `running`, or `queued` where it waits to be tried.
    pub outcome: String,
    /// The HTTP status that the caller saw.
    pub status: u16,
    /// The error code.
    pub code: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What was measured.
    #[serde(flatten)]
    pub usage: Usage,
    /// Each ask of the host.
    pub calls: Vec<v1::Call>,
    /// Asks that are not listed.
    pub calls_omitted: u32,
    /// Lines logged and lines dropped.
    pub log_lines: u32,
    /// Lines dropped at the limit.
    pub log_dropped: u32,
    /// What its data is known to contain.
    pub labels: crate::Labels,
    /// What it cost.
    pub cost: crate::Cost,
    /// The caller's trace.
    pub traceparent: Option<String>,
}

/// A log line, as people and programs read it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// When, RFC 3339.
    pub time: String,
    /// When, in microseconds UTC.
    pub time_us: i64,
    /// The function.
    pub function: FunctionName,
    /// The invocation.
    pub invocation: InvocationId,
    /// `info`, `error` or `platform`.
    pub level: String,
    /// The line.
    pub text: String,
    /// Whether it was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// One finding of `doctor`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// `ok`, `note`, `warning` or `problem`.
    pub verdict: String,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Record {
    /// The readable form of a finished record.
    #[must_use]
    pub fn ended(record: &v1::Record) -> Self {
        let mut out = Self::running(&record.start);
        out.policy = record.policy;
        out.end_us = Some(record.end_us.0);
        record.outcome.word().clone_into(&mut out.outcome);
        out.status = record.status;
        out.code = record.code.map(|number| format!("E{number:04}"));
        out.reason.clone_from(&record.reason);
        out.usage = record.usage;
        out.calls.clone_from(&record.calls);
        out.calls_omitted = record.calls_omitted;
        out.log_lines = record.log_lines;
        out.log_dropped = record.log_dropped;
        out.labels.clone_from(&record.labels);
        out.cost = record.cost;
        out
    }

    /// The readable form of an invocation that has begun.
    #[must_use]
    pub fn running(start: &v1::Start) -> Self {
        let caller = start.caller.to_string();
        let trigger = started::by(&start.trigger);
        Self {
            id: start.id,
            root: start.root,
            parent: start.parent,
            tenant: start.function.scope.tenant.to_string(),
            env: start.function.scope.environment.to_string(),
            function: start.function.name.clone(),
            revision: start.revision,
            digest: start.digest,
            policy: 0,
            caller,
            trigger,
            start: start.start_us.to_string(),
            start_us: start.start_us.0,
            end_us: None,
            outcome: "running".to_owned(),
            status: 0,
            code: None,
            reason: None,
            usage: Usage::default(),
            calls: Vec::new(),
            calls_omitted: 0,
            log_lines: 0,
            log_dropped: 0,
            labels: crate::Labels::NONE,
            cost: crate::Cost::default(),
            traceparent: start.traceparent.map(|trace| trace.to_string()),
        }
    }
}

impl From<&v1::LogLine> for Log {
    fn from(line: &v1::LogLine) -> Self {
        Self {
            time: line.at.to_string(),
            time_us: line.at.0,
            function: line.function.name.clone(),
            invocation: line.invocation,
            level: line.level.word().to_owned(),
            text: line.text.clone(),
            cut: line.cut,
        }
    }
}

/// The answer to an act that has nothing else to say.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// The ledger entry.
    pub leaf: u64,
}
