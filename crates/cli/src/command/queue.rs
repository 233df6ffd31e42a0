//! `casemate queue`: calls that wait, and those that were given up.

use crate::command::records::invocation_id;
use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand};
use model::api::{Peeked, PurgeRequest, RedriveRequest};
use model::{FunctionName, InvocationId};

const EXAMPLES: &str = "\
Examples:
  casemate queue list
  casemate queue list orders --dead
  casemate queue peek 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a
  casemate queue retry 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a
  casemate queue redrive orders
  casemate queue purge orders";

/// Look after asynchronous calls
///
/// A call that was accepted with 202 waits here until it ran. One that failed every time is a dead
/// letter: it stays until it is tried again or removed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Queue {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Peek(Peek),
    Retry(Retry),
    Redrive(Redrive),
    Purge(Purge),
}

impl Queue {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::List(list) => list.run(context),
            Command::Peek(peek) => peek.run(context),
            Command::Retry(retry) => retry.run(context),
            Command::Redrive(redrive) => redrive.run(context),
            Command::Purge(purge) => purge.run(context),
        }
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  casemate queue list
  casemate queue list orders --dead --format json";

/// List calls that wait or were given up, the oldest first
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {
    /// Of this function only
    #[arg(value_name = "NAME")]
    function: Option<FunctionName>,
    /// Only those that were given up
    #[arg(long)]
    dead: bool,
    /// The oldest so many, 1000 at most
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 100)]
    count: usize,
}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let page = context.client()?.queued(self.function.as_ref(), self.dead, self.count)?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note("nothing is in the queue");
            return Ok(());
        }
        let mut table =
            Table::new(["INVOCATION", "FUNCTION", "STATE", "ATTEMPTS", "ACCEPTED", "DUE", "WHY"]);
        for call in page.items {
            table.row([
                call.invocation.to_string(),
                call.function.to_string(),
                call.state,
                call.attempts.to_string(),
                call.queued,
                call.due,
                call.error.unwrap_or_default(),
            ]);
        }
        table.print(voice)
    }
}

const PEEK_EXAMPLES: &str = "\
Examples:
  casemate queue peek 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a";

/// Show what a call in the queue holds
///
/// The ledger keeps that somebody looked. Nothing that was sent is shown of a call that is known to
/// contain sensitive data, or whose function's contract on data is still to be applied.
#[derive(Debug, Args)]
#[command(after_help = PEEK_EXAMPLES)]
struct Peek {
    /// The invocation, as `casemate queue list` shows it
    #[arg(value_name = "ID", value_parser = invocation_id)]
    id: InvocationId,
}

impl Peek {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let (voice, peeked) = (&context.voice, context.client()?.peek(self.id)?);
        if voice.is_json() {
            return voice.document(&peeked);
        }
        let Peeked { function, caller, method, target, headers, bytes, .. } = &peeked;
        voice.line(format_args!("{function} from {caller}: {method} {target}"))?;
        for (name, value) in headers {
            voice.line(format_args!("{name}: {value}"))?;
        }
        match (&peeked.masked, peeked.body.as_ref().or(peeked.body_base64.as_ref())) {
            (Some(why), _) => voice.line(format_args!("{bytes} bytes are not shown: {why}")),
            (None, Some(body)) => voice.line(format_args!("\n{body}")),
            (None, None) => voice.line(format_args!("{bytes} bytes are not shown: too many")),
        }
    }
}

const RETRY_EXAMPLES: &str = "\
Examples:
  casemate queue retry 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a";

/// Try a call again that was given up
///
/// Its attempts are counted anew, and what its caller may do now is what counts.
#[derive(Debug, Args)]
#[command(after_help = RETRY_EXAMPLES)]
struct Retry {
    /// The invocation, as `casemate queue list` shows it
    #[arg(value_name = "ID", value_parser = invocation_id)]
    id: InvocationId,
}

impl Retry {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let accepted = context.client()?.retry(self.id)?;
        if context.voice.is_json() {
            return context.voice.document(&accepted);
        }
        context.voice.line(format_args!("{} is tried again", accepted.invocation))
    }
}

const REDRIVE_EXAMPLES: &str = "\
Examples:
  casemate queue redrive orders
  casemate queue redrive --all";

/// Try all calls again that were given up
///
/// The oldest come first. Their attempts are counted anew, and what their callers may do now is what
/// counts.
#[derive(Debug, Args)]
#[command(after_help = REDRIVE_EXAMPLES)]
struct Redrive {
    /// Those of this function
    #[arg(value_name = "NAME", required_unless_present = "all")]
    function: Option<FunctionName>,
    /// All of the environment
    #[arg(long, conflicts_with = "function")]
    all: bool,
}

impl Redrive {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let redriven = context.client()?.redrive(&RedriveRequest { function: self.function })?;
        if context.voice.is_json() {
            return context.voice.document(&redriven);
        }
        context.voice.line(format_args!("{} are tried again", redriven.retried))
    }
}

const PURGE_EXAMPLES: &str = "\
Examples:
  casemate queue purge orders
  casemate queue purge 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a
  casemate queue purge --all";

/// Remove calls that were given up
///
/// What waits or runs stays.
#[derive(Debug, Args)]
#[command(after_help = PURGE_EXAMPLES)]
struct Purge {
    /// A function, or one invocation
    #[arg(value_name = "NAME|ID", required_unless_present = "all", value_parser = what)]
    what: Option<PurgeRequest>,
    /// All of the environment
    #[arg(long, conflicts_with = "what")]
    all: bool,
}

fn what(text: &str) -> Result<PurgeRequest, String> {
    if let Ok(id) = text.parse() {
        return Ok(PurgeRequest { invocation: Some(id), function: None });
    }
    match FunctionName::parse(text) {
        Ok(name) => Ok(PurgeRequest { invocation: None, function: Some(name) }),
        Err(error) => Err(error.to_string()),
    }
}

impl Purge {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let purged = context.client()?.purge(&self.what.unwrap_or_default())?;
        if context.voice.is_json() {
            return context.voice.document(&purged);
        }
        context.voice.line(format_args!("removed {}", purged.removed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_id_are_told_apart() {
        let id = "0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a";
        assert_eq!(what(id).map(|it| it.invocation.map(|id| id.to_string())), Ok(Some(id.into())));
        assert!(what("orders").is_ok_and(|it| it.function.is_some() && it.invocation.is_none()));
        assert!(what("Not a name").is_err());
    }
}
