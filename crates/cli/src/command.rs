//! The commands, one file per group, and which of them runs.

mod access;
mod apply;
mod budget;
mod build;
mod check;
mod cost;
mod data;
mod deploy;
mod detect;
mod diff;
mod doctor;
mod events;
mod explain;
mod export;
mod functions;
mod home;
mod import;
mod invoke;
mod key;
mod ledger;
mod logs;
mod new;
mod protect;
mod queue;
mod records;
mod runtimes;
mod schedule;
mod secret;
mod shell;
mod source;
mod test;
mod token;
mod up;
mod watch;

pub(crate) use deploy::deploy as demo_deploy;

use crate::args::GUIDE;
use crate::context::Context;
use clap::Subcommand;
use std::process::ExitCode;

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(new::New),
    Import(import::Import),
    Export(export::Export),
    Build(build::Build),
    Watch(watch::Watch),
    Test(test::Test),
    Up(up::Up),
    Deploy(deploy::Deploy),
    Diff(diff::Diff),
    Apply(apply::Apply),
    Check(check::Check),
    Fmt(check::Fmt),
    Invoke(invoke::Invoke),
    Functions(functions::Functions),
    Runtimes(runtimes::Runtimes),
    Revisions(functions::Revisions),
    Rollback(functions::Rollback),
    Remove(functions::Remove),
    Grant(access::GrantArgs),
    Revoke(access::RevokeArgs),
    Grants(access::Grants),
    Token(token::Token),
    Secret(secret::Secret),
    Logs(logs::Logs),
    Records(records::Records),
    Record(records::Record),
    Cost(cost::Cost),
    Budget(budget::Budget),
    Queue(queue::Queue),
    Schedule(schedule::Schedule),
    Source(source::Source),
    Ledger(ledger::Ledger),
    Key(key::Key),
    Backup(home::Backup),
    Restore(home::Restore),
    Data(data::Data),
    Detect(detect::Detect),
    Protect(protect::Protect),
    Doctor(doctor::Doctor),
    Events(events::Events),
    Explain(explain::Explain),
    Schema(shell::Schema),
    Completions(shell::Completions),
}

/// Runs a command; without one, says where to start.
///
/// # Errors
/// Whatever the command could not do.
pub(crate) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<ExitCode> {
    let done = match command {
        None => context.voice.line(GUIDE),
        Some(Command::Invoke(invoke)) => return invoke.run(context),
        Some(Command::Test(test)) => return test.run(context),
        Some(Command::Detect(detect)) => return detect.run(context),
        Some(Command::Doctor(doctor)) => return doctor.run(context),
        Some(Command::Diff(diff)) => return diff.run(context),
        Some(Command::New(new)) => new.run(context),
        Some(Command::Import(import)) => import.run(context),
        Some(Command::Export(export)) => export.run(context),
        Some(Command::Build(build)) => build.run(context),
        Some(Command::Watch(watch)) => watch.run(context),
        Some(Command::Up(up)) => return up.run(context),
        Some(Command::Deploy(deploy)) => deploy.run(context),
        Some(Command::Apply(apply)) => apply.run(context),
        Some(Command::Check(check)) => check.run(context),
        Some(Command::Fmt(fmt)) => fmt.run(context),
        Some(Command::Events(events)) => events.run(context),
        Some(Command::Functions(functions)) => functions.run(context),
        Some(Command::Runtimes(runtimes)) => runtimes.run(context),
        Some(Command::Revisions(revisions)) => revisions.run(context),
        Some(Command::Rollback(rollback)) => rollback.run(context),
        Some(Command::Remove(remove)) => remove.run(context),
        Some(Command::Grant(grant)) => grant.run(context),
        Some(Command::Revoke(revoke)) => revoke.run(context),
        Some(Command::Grants(grants)) => grants.run(context),
        Some(Command::Token(token)) => token.run(context),
        Some(Command::Secret(secret)) => secret.run(context),
        Some(Command::Logs(logs)) => logs.run(context),
        Some(Command::Records(records)) => records.run(context),
        Some(Command::Cost(cost)) => cost.run(context),
        Some(Command::Budget(budget)) => budget.run(context),
        Some(Command::Record(record)) => record.run(context),
        Some(Command::Queue(queue)) => queue.run(context),
        Some(Command::Schedule(schedule)) => schedule.run(context),
        Some(Command::Source(source)) => source.run(context),
        Some(Command::Ledger(ledger)) => ledger.run(context),
        Some(Command::Key(key)) => key.run(context),
        Some(Command::Backup(backup)) => backup.run(context),
        Some(Command::Restore(restore)) => restore.run(context),
        Some(Command::Data(data)) => data.run(context),
        Some(Command::Protect(protect)) => protect.run(context),
        Some(Command::Explain(explain)) => explain.run(context),
        Some(Command::Schema(schema)) => schema.run(context),
        Some(Command::Completions(completions)) => completions.run(context),
    };
    done.map(|()| ExitCode::SUCCESS)
}
