//! `casemate runtimes`: what can interpret native functions.

use crate::context::Context;
use crate::local;
use crate::voice::{Table, Tone, safe};
use clap::Args;
use model::Code;
use model::api::{Interpreter, Page};

const EXAMPLES: &str = "\
Examples:
  casemate runtimes
  casemate runtimes --format json | jq '.items[] | select(.warning)'

A manifest names one of them: `interpreter = \"python3.11\"` below [function.native].";

/// List the interpreters that native functions can use
///
/// Those of the node's machine, with what its configuration adds. If no node runs, those of this
/// machine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Runtimes {}

impl Runtimes {
    /// Lists names, versions, and until when each is mended.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let (page, asked) = match context.client() {
            Ok(client) => (client.runtimes()?, true),
            Err(problem) if problem.code == Code::NotRunning => {
                (Page { items: local::interpreters()?, next: None }, false)
            }
            Err(problem) => return Err(problem.into()),
        };
        if voice.is_json() {
            return voice.document(&page);
        }
        if !asked {
            voice.note("no node runs here: these are this machine's, without a configuration's");
        }
        if page.items.is_empty() {
            return voice.line("no interpreters: install one, such as `apt-get install python3`");
        }
        let mut table = Table::new(["NAME", "ALSO", "VERSION", "NEWEST", "MENDED UNTIL", "PATH"]);
        for one in &page.items {
            let or =
                |text: &Option<String>, or: &str| text.clone().unwrap_or_else(|| or.to_owned());
            table.row([
                one.name.clone(),
                one.aliases.join(" "),
                or(&one.version, "?"),
                or(&one.newest, "-"),
                or(&one.end_of_life, "-"),
                one.path.clone(),
            ]);
        }
        table.print(voice)?;
        page.items.iter().try_for_each(|one| match &one.warning {
            Some(warning) => warn(voice, one, warning),
            None => Ok(()),
        })
    }
}

fn warn(voice: &crate::voice::Voice, one: &Interpreter, warning: &str) -> anyhow::Result<()> {
    let word = voice.paint(Tone::Warn, "warning");
    voice.line(format_args!("{word} {}: {}", safe(&one.name), safe(warning)))
}
