//! `casemate source`: what the node pulls messages from.

use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  casemate source list";

/// See where messages are pulled from
///
/// The node's configuration names sources as `[[source]]`, and a manifest says which function is
/// called with what comes, as `[[function.from]]`. Each acts as `trigger:NAME`, and takes nothing
/// without a grant.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Source {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
}

impl Source {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::List(list) => list.run(context),
        }
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  casemate source list
  casemate source list --format json";

/// List sources: what they do, what lies there, what came, and the last error
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let Self {} = self;
        let voice = &context.voice;
        let page = context.client()?.sources()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note("there are no sources");
            return Ok(());
        }
        let mut table = Table::new([
            "NAME", "FUNCTION", "PLACE", "STATE", "LAG", "TAKEN", "REPEATED", "REFUSED", "LAST",
        ]);
        let mut notes = Vec::new();
        for source in page.items {
            let name = &source.name;
            notes.extend(source.grant.map(|grant| format!("not granted: {grant}")));
            let at = source.error_at.unwrap_or_default();
            notes.extend(source.error.map(|error| format!("{name} at {at}: {error}")));
            table.row([
                name.to_string(),
                source.function.map(|function| function.to_string()).unwrap_or_default(),
                source.place.unwrap_or_default(),
                source.state,
                source.lag.map(|lag| lag.to_string()).unwrap_or_default(),
                source.taken.to_string(),
                source.repeated.to_string(),
                source.refused.to_string(),
                source.last.unwrap_or_default(),
            ]);
        }
        table.print(voice)?;
        for note in notes {
            voice.note(note);
        }
        Ok(())
    }
}
