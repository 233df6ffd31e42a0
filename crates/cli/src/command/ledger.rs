//! `casemate ledger`: what was done to the platform, and the proof that nobody changed it.

mod describe;

use crate::context::Context;
use crate::ledger::{self, LedgerFile};
use crate::local;
use crate::voice::{Table, safe};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use model::api::LedgerEntry;
use model::{Code, Problem};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate ledger show
  casemate ledger export ./ledger-2026-11-22
  cp ./ledger-2026-11-22/checkpoint /somewhere/else/
  casemate ledger verify --since /somewhere/else/checkpoint";

/// Show, verify and export the ledger of control-plane acts
///
/// Every deployment, grant and token is an entry of an append-only log with signed checkpoints,
/// in the form of C2SP tlog-tiles. Whoever holds the node's key could rewrite it as a whole; a
/// checkpoint that you keep elsewhere is what shows it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
    Verify(Verify),
    Export(Export),
}

impl Ledger {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Show(show) => show.run(context),
            Command::Verify(verify) => verify.run(context),
            Command::Export(export) => export.run(context),
        }
    }
}

const SHOW_EXAMPLES: &str = "\
Examples:
  casemate ledger show
  casemate ledger show --from 0 -n 100
  casemate ledger show --format json | jq '.items[].act.kind'";

/// Show the newest entries and the checkpoint over them
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
struct Show {
    /// The first entry to show [default: so that the newest are shown]
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// How many entries
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 20)]
    count: u64,
}

impl Show {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let head = client.ledger_head()?;
        let from = self.from.unwrap_or_else(|| head.size.saturating_sub(self.count));
        let mut items: Vec<LedgerEntry> = Vec::new();
        while (items.len() as u64) < self.count {
            let next = from + items.len() as u64;
            let page = client.ledger_entries(next, (self.count - items.len() as u64).min(500))?;
            if page.items.is_empty() {
                break;
            }
            items.extend(page.items);
        }
        if voice.is_json() {
            return voice.document(&json!({ "head": head, "items": items }));
        }
        let mut table = Table::new(["ENTRY", "TIME", "SCOPE", "ACTOR", "ACT"]);
        for LedgerEntry { leaf, .. } in &items {
            table.row([
                leaf.seq.to_string(),
                leaf.time_us.to_string(),
                leaf.scope.to_string(),
                leaf.actor.clone(),
                describe::act(&leaf.act),
            ]);
        }
        table.print(voice)?;
        voice.line(format_args!("\nledger   {} ({} entries)", safe(&head.origin), head.size))?;
        voice.line(format_args!("key      {}", safe(&head.verifier_key)))?;
        voice.line("checkpoint")?;
        head.checkpoint
            .lines()
            .try_for_each(|line| voice.line(format!("  {}", safe(line)).trim_end()))
    }
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  casemate ledger verify                                     the running node's ledger
  casemate ledger verify --since /somewhere/else/checkpoint  against a checkpoint that you kept
  casemate ledger verify ./ledger-2026-11-22                 an export
  casemate ledger verify --home ./data                       a home whose node does not run

Exit codes: 0 if everything fits, 1 if something was changed; the message names what.";

/// Verify every entry, tile and checkpoint on this machine
///
/// Fetches the whole ledger and checks it here: the node's own word counts for nothing. Without
/// --since it can only be said that the ledger fits together; with a checkpoint that was kept
/// elsewhere, also that nothing before it was rewritten.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
struct Verify {
    /// An unpacked export [default: the node's ledger]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// A checkpoint that was kept elsewhere
    #[arg(long, value_name = "CHECKPOINT_FILE")]
    since: Option<PathBuf>,
    /// The verifier key that was kept elsewhere [default: the one beside the ledger]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The root key of a home whose node does not run, if it is not in the home
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
}

impl Verify {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let since = self.since.as_deref().map(fs::read_to_string).transpose();
        let since = since.context("cannot read the kept checkpoint")?;
        let progress = voice.progress("verifying the ledger");
        let files = match &self.directory {
            Some(directory) => ledger::from_directory(directory)?,
            None => fetch(context, self.root_key_file.as_deref())?,
        };
        let verified = ledger::verify(files, self.key.as_deref(), since.as_deref())?;
        drop(progress);
        if voice.is_json() {
            return voice.document(&json!({
                "verified": true, "size": verified.size, "root": verified.root,
                "checkpoint": verified.checkpoint, "since": verified.since, "key": verified.key,
            }));
        }
        voice.line(format_args!("verified {} entries, root {}", verified.size, verified.root))?;
        voice.line(format_args!("signed by {}", safe(&verified.key)))?;
        match verified.since {
            Some(size) => {
                voice.line(format_args!("continues the kept checkpoint over {size} entries"))
            }
            None => {
                voice.hint("keep a checkpoint elsewhere (casemate ledger export DIR), and verify against it with --since");
                Ok(())
            }
        }
    }
}

/// The ledger of the node, or, if it does not run, of the home that was named.
fn fetch(context: &Context, root_key_file: Option<&Path>) -> anyhow::Result<Vec<LedgerFile>> {
    let exported = context
        .client()
        .map_err(anyhow::Error::from)
        .and_then(|client| Ok(client.ledger_export()?));
    match exported {
        Ok(tar) => Ok(ledger::from_tar(tar)?),
        Err(error) => match (&context.global.home, is_not_running(&error)) {
            (Some(home), true) => Ok(local::ledger_files(home, root_key_file)?),
            _ => Err(error),
        },
    }
}

fn is_not_running(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<crate::voice::Failure>().map(|failure| &failure.problem);
    let problem = failure.or_else(|| error.downcast_ref::<Problem>());
    problem.is_some_and(|problem| problem.code == Code::NotRunning)
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  casemate ledger export ./ledger-$(date +%F)

The directory can be served as it is to any client of C2SP tlog-tiles.";

/// Write the whole ledger into a directory
///
/// Entries, tiles, checkpoints and the verifier key, as files. The directory must be new or empty.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
struct Export {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The root key of a home whose node does not run, if it is not in the home
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
}

impl Export {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let progress = voice.progress("exporting the ledger");
        let files = fetch(context, self.root_key_file.as_deref())?;
        ledger::to_directory(&files, &self.directory)?;
        drop(progress);
        let shown = self.directory.display().to_string();
        if voice.is_json() {
            return voice.document(&json!({ "directory": shown, "files": files.len() }));
        }
        voice.line(format_args!("exported {} files to {}", files.len(), safe(&shown)))?;
        voice.hint(format_args!(
            "keep {}/checkpoint where the node cannot write, for `casemate ledger verify --since`",
            safe(&shown)
        ));
        Ok(())
    }
}
