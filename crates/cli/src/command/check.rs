//! `casemate check` and `casemate fmt`: a manifest, before anything is sent anywhere.

use crate::context::Context;
use crate::manifest;
use crate::voice::{Tone, safe};
use anyhow::Context as _;
use clap::Args;
use model::{Code, Problem};
use serde::Serialize;
use std::path::PathBuf;

const CHECK_EXAMPLES: &str = "\
Examples:
  casemate check                 the casemate.toml of this directory
  casemate check shop/ mail/     several

Needs no node, and no component that was built. What only a node knows (its ceiling, its issuers,
routes of other applications) is checked by `casemate deploy`.";

/// Check manifests, without a node
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    /// Directories with a casemate.toml, or manifests
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    paths: Vec<PathBuf>,
}

/// What was found in one manifest that is fine.
#[derive(Serialize)]
struct Fine {
    file: String,
    application: String,
    functions: usize,
    routes: usize,
}

impl Check {
    /// Checks each, and stops at the first that is wrong.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let mut all = Vec::new();
        for path in &self.paths {
            let (file, manifest) = manifest::checked(path)?;
            let functions = manifest.functions.len();
            let routes = manifest.functions.iter().map(|function| function.http.len()).sum();
            let application = manifest.application.to_string();
            all.push(Fine { file, application, functions, routes });
        }
        if voice.is_json() {
            return voice.document(&all);
        }
        for Fine { file, application, functions, routes } in &all {
            let fine = voice.paint(Tone::Good, "fine");
            let file = safe(file);
            voice.line(format_args!(
                "{file}: {fine}, `{application}` with {functions} function(s) and {routes} route(s)"
            ))?;
        }
        Ok(())
    }
}

const FORMAT_EXAMPLES: &str = "\
Examples:
  casemate fmt                   rewrite the casemate.toml of this directory
  casemate fmt --check shop/     only say whether it is in its form: exit code 1 if not

Changes spaces, blank lines and the breaking of lists. Keys keep their order, and comments stay.";

/// Bring manifests into their one form
#[derive(Debug, Args)]
#[command(after_help = FORMAT_EXAMPLES)]
pub(crate) struct Fmt {
    /// Directories with a casemate.toml, or manifests
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Change nothing; fail if something would be changed
    #[arg(long)]
    check: bool,
}

impl Fmt {
    /// Rewrites each that is not in its form.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for path in &self.paths {
            let (file, text) = manifest::raw(path)?;
            let name = file.display().to_string();
            let formatted = manifest::formatted(&name, &text)?;
            if formatted == text {
                continue;
            }
            if self.check {
                wrong.push(name);
                continue;
            }
            manifest::replace(&file, &formatted).with_context(|| name.clone())?;
            context.voice.note(format_args!("formatted {}", safe(&name)));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Problem::new(Code::ManifestForm)
            .detail(wrong.join(", "))
            .hint(format!("casemate fmt {}", wrong.join(" ")))
            .into())
    }
}
