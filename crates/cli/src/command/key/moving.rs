//! What is stored moves to the newest epoch, and an epoch goes that nothing is left of.

use crate::client::Client;
use crate::context::Context;
use clap::Args;
use model::api::KeyRewrap;
use model::{Code, Problem};
use std::time::Duration;

/// How often the node is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

const REWRAP_EXAMPLES: &str = "\
Examples:
  casemate key rewrap
  casemate key rewrap --wait";

/// Move what is stored to the newest epoch, while the node goes on
///
/// Secrets, keys of callers, queued calls, key-value stores, blobs, certificates and records that
/// an older epoch sealed are sealed with the newest, a little at a time. `casemate key status`
/// says how far it is. A node that stops meanwhile goes on at its next start.
#[derive(Debug, Args)]
#[command(after_help = REWRAP_EXAMPLES)]
pub(super) struct Rewrap {
    /// Wait until it is done; also for one that somebody else began
    #[arg(long)]
    wait: bool,
}

impl Rewrap {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let begun = match client.rewrap_keys() {
            Err(failure) if self.wait && failure.problem.code == Code::RewrapRunning => None,
            begun => Some(begun?),
        };
        let shown = match begun.filter(|_| !self.wait) {
            Some(shown) => shown,
            None => ended(context, &client)?,
        };
        if voice.is_json() {
            voice.document(&shown)?;
        } else {
            voice.line(said(&shown))?;
        }
        if shown.left > 0 {
            let detail = format!("{} things are left", shown.left);
            return Err(Problem::new(Code::RewrapLeft).detail(detail).into());
        }
        if shown.running {
            voice.hint("casemate key status");
        }
        Ok(())
    }
}

/// Waits until it has ended.
fn ended(context: &Context, client: &Client) -> anyhow::Result<KeyRewrap> {
    let progress = context.voice.progress("moving what is stored to the newest epoch");
    loop {
        let gone = || Problem::new(Code::RewrapLeft).detail("the node was started anew");
        let shown = client.rewrap()?.ok_or_else(gone)?;
        if !shown.running {
            return Ok(shown);
        }
        progress.doing(said(&shown));
        std::thread::sleep(ASK_EVERY);
    }
}

/// How far it is, in words.
pub(super) fn said(shown: &KeyRewrap) -> String {
    let KeyRewrap { epoch, running, moved, left, .. } = shown;
    match (running, left) {
        (true, _) => format!("rewrap to epoch {epoch} is under way: {moved} moved"),
        (false, 0) => format!("rewrap to epoch {epoch} is done: {moved} moved, nothing left"),
        (false, left) => format!("rewrap to epoch {epoch} ended: {moved} moved, {left} left"),
    }
}

const RETIRE_EXAMPLES: &str = "\
Examples:
  casemate key backup root.key.backup --passphrase-file passphrase
  casemate key retire 2";

/// Take an epoch out of the root key that nothing is sealed with any more
///
/// The first epoch and the newest stay. Backups of the home from before need the epoch: keep a
/// copy of the root key that has it for as long as you keep them.
#[derive(Debug, Args)]
#[command(after_help = RETIRE_EXAMPLES)]
pub(super) struct Retire {
    /// The epoch
    #[arg(value_name = "EPOCH")]
    epoch: u32,
}

impl Retire {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let retired = context.client()?.retire_key(self.epoch)?;
        if voice.is_json() {
            return voice.document(&retired);
        }
        voice.line(format_args!(
            "retired epoch {}, fingerprint {} (ledger entry {})",
            retired.epoch, retired.fingerprint, retired.leaf
        ))?;
        voice.hint("older backups of the home need a copy of the root key that has the epoch");
        Ok(())
    }
}
