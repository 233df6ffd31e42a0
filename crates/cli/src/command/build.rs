//! `casemate build`: the manifest's build commands, and a look at what they made.

use crate::build::Builder;
use crate::context::Context;
use crate::interrupt::Interrupt;
use crate::manifest;
use clap::Args;
use model::unit::Duration;
use model::{Code, FunctionName, Problem};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  casemate build                     every function of this directory's casemate.toml
  casemate build shop --function pay
  casemate build --timeout 30m       for a build that takes long

A build command is the manifest's `build`, given to /bin/sh in the manifest's directory. It runs
with your own rights and environment, as `make` or `npm run` would: read the manifest of somebody
else before you build it. Ctrl-C and the time limit end it with everything that it started.";

/// Build an application's functions with their languages' own tools
///
/// Afterwards every function's `source` has to be there and to be a component.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// A directory with a casemate.toml, or a manifest
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    path: PathBuf,
    /// Only this function
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    #[command(flatten)]
    limit: Limit,
}

/// How long a build may take.
#[derive(Debug, Clone, Args)]
pub(crate) struct Limit {
    /// How long one build command may take
    #[arg(long, value_name = "TIME", default_value = "10m")]
    timeout: Duration,
}

impl Limit {
    /// A builder whose output is shown as it comes.
    ///
    /// # Errors
    /// Nobody can listen for Ctrl-C.
    pub(crate) fn builder(&self, context: &Context) -> anyhow::Result<Builder> {
        let (voice, wall) = (context.voice, self.timeout.std());
        Ok(Builder { voice, wall, live: true, interrupt: Interrupt::listen()? })
    }
}

impl Build {
    /// Builds, and says what was built.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let outline = manifest::outline(&self.path)?;
        let functions = outline.chosen(self.function.as_ref())?;
        let files_only = functions.is_empty() && !outline.manifest.assets.is_empty();
        if files_only && !context.voice.is_json() {
            return context.voice.line("nothing to build: the application is files only");
        }
        if !files_only && functions.iter().all(|function| function.build.is_none()) {
            let detail = format!("`{}`", outline.file.display());
            return Err(Problem::new(Code::NothingToBuild).detail(detail).into());
        }
        let built = self.limit.builder(context)?.build(&outline, &functions)?;
        if context.voice.is_json() {
            return context.voice.document(&json!({ "items": built }));
        }
        Ok(())
    }
}
