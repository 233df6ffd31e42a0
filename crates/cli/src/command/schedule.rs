//! `casemate schedule`: functions that are called at times.

use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand};
use model::TriggerName;

const EXAMPLES: &str = "\
Examples:
  casemate schedule list
  casemate schedule run nightly
  casemate schedule pause nightly
  casemate schedule resume nightly";

/// Look after schedules
///
/// A manifest declares them as `[[function.schedule]]`. Each acts as `trigger:NAME`, and runs
/// nothing without a grant.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Run(Run),
    Pause(Pause),
    Resume(Resume),
}

impl Schedule {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::List(list) => list.run(context),
            Command::Run(run) => run.run(context),
            Command::Pause(Pause { name }) => pause(context, &name, true),
            Command::Resume(Resume { name }) => pause(context, &name, false),
        }
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  casemate schedule list
  casemate schedule list --format json";

/// List schedules: when they are due, how the last run ended, and which grant is missing
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let Self {} = self;
        let voice = &context.voice;
        let page = context.client()?.schedules()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note("there are no schedules");
            return Ok(());
        }
        let mut table =
            Table::new(["NAME", "FUNCTION", "WHEN", "STATE", "NEXT", "LAST", "OUTCOME"]);
        let mut wanted = Vec::new();
        for schedule in page.items {
            wanted.extend(schedule.grant);
            table.row([
                schedule.name.to_string(),
                schedule.function.to_string(),
                schedule.when,
                schedule.state,
                schedule.next.unwrap_or_default(),
                schedule.last.unwrap_or_default(),
                schedule.outcome.unwrap_or_default(),
            ]);
        }
        table.print(voice)?;
        for grant in wanted {
            voice.note(format_args!("not granted: {grant}"));
        }
        Ok(())
    }
}

const RUN_EXAMPLES: &str = "\
Examples:
  casemate schedule run nightly";

/// Have a schedule run now
///
/// It runs for the operator, so neither its grant nor a pause matters. Prints the invocation.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
struct Run {
    /// The schedule, as `casemate schedule list` shows it
    #[arg(value_name = "NAME")]
    name: TriggerName,
}

impl Run {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let accepted = context.client()?.run_schedule(&self.name)?;
        if context.voice.is_json() {
            return context.voice.document(&accepted);
        }
        context.voice.line(accepted.invocation)
    }
}

const PAUSE_EXAMPLES: &str = "\
Examples:
  casemate schedule pause nightly";

/// Pause a schedule
///
/// Its times pass unused until it is resumed, also over restarts and deployments.
#[derive(Debug, Args)]
#[command(after_help = PAUSE_EXAMPLES)]
struct Pause {
    /// The schedule, as `casemate schedule list` shows it
    #[arg(value_name = "NAME")]
    name: TriggerName,
}

const RESUME_EXAMPLES: &str = "\
Examples:
  casemate schedule resume nightly";

/// Let a schedule go on, with the times that are still to come
///
/// It is then followed from now on, also if it was not paused.
#[derive(Debug, Args)]
#[command(after_help = RESUME_EXAMPLES)]
struct Resume {
    /// The schedule, as `casemate schedule list` shows it
    #[arg(value_name = "NAME")]
    name: TriggerName,
}

fn pause(context: &Context, name: &TriggerName, paused: bool) -> anyhow::Result<()> {
    let schedule = context.client()?.pause_schedule(name, paused)?;
    if context.voice.is_json() {
        return context.voice.document(&schedule);
    }
    context.voice.line(format_args!("{} is {}", schedule.name, schedule.state))
}
