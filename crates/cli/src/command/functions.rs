//! `casemate functions`, `revisions`, `rollback` and `remove`: what is deployed.

use super::deploy::print_functions;
use crate::context::Context;
use crate::voice::Table;
use clap::Args;
use model::api;
use model::unit::Size;
use model::{ApplicationName, FunctionName};

const FUNCTIONS_EXAMPLES: &str = "\
Examples:
  casemate functions
  casemate functions --format json | jq -r '.items[].name'
  casemate functions --env staging";

/// List functions, their revisions and routes
///
/// Shows every function of the tenant and environment: the application that it belongs to, the
/// revision that answers now, its component's digest, who may call it, and its routes.
#[derive(Debug, Args)]
#[command(after_help = FUNCTIONS_EXAMPLES)]
pub(crate) struct Functions {}

impl Functions {
    /// Lists the functions.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let page = context.client()?.functions()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note(format_args!("no functions in {}", context.scope()));
            voice.hint("casemate deploy DIR or casemate deploy FILE.wasm");
            return Ok(());
        }
        let mut table =
            Table::new(["FUNCTION", "APPLICATION", "REVISION", "COMPONENT", "CALLERS", "ROUTES"]);
        for function in page.items {
            let routes: Vec<String> = function.routes.iter().map(ToString::to_string).collect();
            table.row([
                function.name.to_string(),
                function.application.to_string(),
                function.revision.to_string(),
                what(&function),
                if function.public { "everybody" } else { "token" }.to_owned(),
                if routes.is_empty() { "none".to_owned() } else { routes.join(", ") },
            ]);
        }
        table.print(voice)
    }
}

/// What answers: a component by its digest, or how many files there are.
fn what(function: &api::Function) -> String {
    match &function.files {
        Some(files) => format!("{} files, {}", files.count, rounded(files.bytes)),
        None => function.artifact.short(),
    }
}

fn rounded(bytes: u64) -> Size {
    match bytes {
        0..10_240 => Size { bytes },
        10_240..10_485_760 => Size::kib(bytes >> 10),
        _ => Size::mib(bytes >> 20),
    }
}

const REVISIONS_EXAMPLES: &str = "\
Examples:
  casemate revisions hello
  casemate revisions hello --format json | jq '.revisions[0].digest'";

/// List a function's revisions and its application's deployments
///
/// A revision is what a function was at one time: its component and its settings. A deployment is
/// what its application was. Both are numbered from 1 and never change.
#[derive(Debug, Args)]
#[command(after_help = REVISIONS_EXAMPLES)]
pub(crate) struct Revisions {
    /// The function
    #[arg(value_name = "FUNCTION")]
    function: FunctionName,
}

impl Revisions {
    /// Lists the revisions and deployments.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let found = context.client()?.revisions(&self.function)?;
        if voice.is_json() {
            return voice.document(&found);
        }
        let mut table =
            Table::new(["REVISION", "DIGEST", "COMPONENT", "DEPLOYMENT", "CREATED", "STATE"]);
        for row in &found.revisions {
            table.row([
                row.revision.to_string(),
                row.digest.short(),
                row.artifact.short(),
                row.deployment.to_string(),
                row.created.to_string(),
                state(row.active),
            ]);
        }
        table.print(voice)?;
        voice.line("")?;
        let mut table = Table::new(["DEPLOYMENT", "FUNCTIONS", "BY", "CREATED", "STATE"]);
        for row in &found.deployments {
            table.row([
                row.deployment.to_string(),
                row.manifest.functions.len().to_string(),
                row.by.clone(),
                row.created.to_string(),
                state(row.active),
            ]);
        }
        table.print(voice)
    }
}

fn state(active: bool) -> String {
    if active { "active" } else { "-" }.to_owned()
}

const ROLLBACK_EXAMPLES: &str = "\
Examples:
  casemate rollback shop            to the deployment before the active one
  casemate rollback shop --to 3     to deployment 3; `casemate revisions` lists them";

/// Make an earlier deployment of an application the active one
///
/// All functions of the application change together. Nothing is compiled or uploaded again, and
/// requests that are under way finish on the revision that they began on.
#[derive(Debug, Args)]
#[command(after_help = ROLLBACK_EXAMPLES)]
pub(crate) struct Rollback {
    /// The application
    #[arg(value_name = "APPLICATION")]
    application: ApplicationName,
    /// The deployment [default: the one before the active one]
    #[arg(long, value_name = "DEPLOYMENT")]
    to: Option<u32>,
}

impl Rollback {
    /// Rolls back, and says what answers now.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        // Asked before, so that nothing can fail once it is done.
        let gateway = client.node()?.gateway;
        let progress = voice.progress("rolling back");
        let deployed: api::Deployed = client.rollback(&self.application, self.to)?;
        drop(progress);
        if voice.is_json() {
            return voice.document(&deployed);
        }
        voice.line(format_args!(
            "{} is back at deployment {}",
            deployed.application, deployed.deployment
        ))?;
        print_functions(voice, &deployed, &gateway)
    }
}

const REMOVE_EXAMPLES: &str = "\
Examples:
  casemate remove shop

A bare component's application has the function's name.";

/// Take an application and its functions away
///
/// Its routes stop answering at once; requests that are under way finish. Records, revisions and
/// the ledger keep its history.
#[derive(Debug, Args)]
#[command(after_help = REMOVE_EXAMPLES)]
pub(crate) struct Remove {
    /// The application
    #[arg(value_name = "APPLICATION")]
    application: ApplicationName,
}

impl Remove {
    /// Removes the application.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let written = context.client()?.remove(&self.application)?;
        if voice.is_json() {
            return voice.document(&written);
        }
        voice.line(format_args!("removed {} (ledger entry {})", self.application, written.leaf))
    }
}
