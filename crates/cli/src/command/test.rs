//! `casemate test`: a function's declared examples, on a platform inside this command.

use super::build::Limit;
use crate::clock::Stopwatch;
use crate::context::Context;
use crate::example::{Report, Stage, cases, update};
use crate::manifest;
use clap::Args;
use model::FunctionName;
use model::limit::Ceiling;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate test                        build, then run every example
  casemate test --filter 'by name'     those whose function and name hold these words
  casemate test --function pay --no-build
  casemate test --update               write what came back into the manifest

An example in casemate.toml:
  [[function.example]]
  name = \"greets by name\"
  request = { method = \"GET\", path = \"/hello/Ada\", headers = { accept = \"text/plain\" } }
  expect = { status = 200, headers = { content-type = \"text/plain\" }, body = \"Hello, Ada!\\n\" }
  at = \"2026-01-01T00:00:00Z\"

`request` takes `body` or `json`, `expect` one of `body`, `json` and `contains`.
What is outside and what is stored is declared, too; nothing leaves, and stores begin empty:
  outbound = [{ request = \"GET https://api.example.com/rate\", json = { eur = 2 } }]
  keyvalue = { carts = { ann = \"3\" } }";

/// Run the examples that a manifest declares
///
/// Each example is a request and the answer that it must get. They go through the whole platform
/// in a temporary directory: routes, grants, limits, a fresh instance each. Everything that the
/// manifest asks for is granted, and requests carry a token that may call every function. The
/// wall clock that a component sees stands still at the example's time; a native function is a
/// process of this machine, sees its time, and is not started anew for each example.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Test {
    /// A directory with a casemate.toml, or a manifest
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    path: PathBuf,
    /// Only this function and its examples
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// Only examples whose function and name hold these words
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// Write what came back into the manifest, as what must come back
    #[arg(long)]
    update: bool,
    /// Take what was built before
    #[arg(long)]
    no_build: bool,
    #[command(flatten)]
    limit: Limit,
}

impl Test {
    /// Runs the examples; fails if one does.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let voice = context.voice;
        let outline = manifest::outline(&self.path)?;
        outline.manifest.check(&Ceiling::DEFAULT)?;
        let functions = outline.chosen(self.function.as_ref())?;
        let (chosen, filtered) = cases(&functions, self.filter.as_deref());
        let builder = self.limit.builder(context)?;
        let watch = Stopwatch::start();
        let mut report;
        if chosen.is_empty() {
            report = Report::begin(voice, 0, filtered)?;
            if filtered == 0 {
                voice.hint("declare one: casemate test --help shows how");
            }
        } else {
            if !self.no_build {
                builder.build(&outline, &functions)?;
            }
            let plan = manifest::read_only(&outline.file, self.function.as_ref())?;
            let progress = voice.progress("preparing the components");
            let stage = Stage::set(plan, builder.interrupt.wait())?;
            drop(progress);
            report = Report::begin(voice, chosen.len(), filtered)?;
            for case in chosen {
                let outcome = stage.run(&case, builder.interrupt.wait())?;
                report.add(case, outcome)?;
            }
            stage.end()?;
        }
        report.end(&watch.words())?;
        self.conclude(context, &outline, &report)
    }

    fn conclude(
        &self,
        context: &Context,
        outline: &manifest::Outline,
        report: &Report<'_>,
    ) -> anyhow::Result<ExitCode> {
        let failed = report.failed().len();
        if failed == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        let voice = context.voice;
        if !self.update {
            voice.hint(
                "if what came is right, `casemate test --update` writes it into the manifest",
            );
            return Ok(ExitCode::FAILURE);
        }
        let written = update(&outline.file, report.failed())?;
        voice.note(format_args!("updated {written} of {failed} in {}", outline.file.display()));
        if written < failed {
            voice.hint("the others say something that only you can change, such as `contains`");
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}
