//! `casemate diff`: what a deployment would change, before it does.

use super::deploy::Variables;
use crate::context::Context;
use crate::manifest::changes::{self, Change, KeyChange, Kind};
use crate::manifest::{self, Bare};
use crate::voice::{Tone, Voice, safe};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate diff                          the casemate.toml of this directory, against the node
  casemate diff shop/ --exit-code        for scripts: exit code 1 if something would change
  casemate diff --format json | jq '.changes[].what'";

/// Show what a deployment would change
///
/// Reads the manifest and digests its components, as `casemate deploy` does, and compares them
/// with the active deployment. Nothing is sent and nothing changes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Diff {
    /// A directory with a casemate.toml, or a manifest
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    path: PathBuf,
    /// Exit with 1 if something would change
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    variables: Variables,
}

/// What would change, for programs.
#[derive(Serialize)]
struct Report<'a> {
    application: &'a str,
    /// The active deployment, if there is one.
    deployment: Option<u32>,
    changes: &'a [Change],
}

impl Diff {
    /// Compares, and says what differs.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let voice = &context.voice;
        let Variables { variables } = self.variables;
        let plan = manifest::read(&self.path, &Bare { variables, ..Bare::default() })?;
        let client = context.client()?;
        let active = client.application(&plan.manifest.application)?;
        let changes = changes::between(active.as_ref().map(|row| &row.manifest), &plan.manifest);
        let deployment = active.map(|row| row.deployment);
        let application = plan.manifest.application.to_string();
        if voice.is_json() {
            let report = Report { application: &application, deployment, changes: &changes };
            voice.document(&report)?;
        } else {
            print(voice, &application, deployment, &changes)?;
        }
        let differs = self.exit_code && !changes.is_empty();
        Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Writes the changes for people.
pub(crate) fn print(
    voice: &Voice,
    application: &str,
    deployment: Option<u32>,
    changes: &[Change],
) -> anyhow::Result<()> {
    let active = match deployment {
        Some(number) => format!("deployment {number} is active"),
        None => "not deployed yet".to_owned(),
    };
    if changes.is_empty() {
        return voice.line(format_args!("{application}: {active}, and nothing would change"));
    }
    voice.line(format_args!("{application}: {active}"))?;
    for change in changes {
        let mark = match change.kind {
            Kind::Added => voice.paint(Tone::Good, "+"),
            Kind::Changed => voice.paint(Tone::Warn, "~"),
            Kind::Removed => voice.paint(Tone::Bad, "-"),
        };
        voice.line(format_args!("  {mark} {}", safe(&change.what)))?;
        for key in &change.keys {
            voice.line(format_args!("      {}", safe(&line(key))))?;
        }
    }
    Ok(())
}

fn line(change: &KeyChange) -> String {
    let text = |value: &Option<Value>| match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) => short(text),
        Some(other) => short(&other.to_string()),
    };
    format!("{}: {} -> {}", change.key, text(&change.before), text(&change.after))
}

/// Digests and long values take one line.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
