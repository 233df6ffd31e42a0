//! `casemate data erase`: one subject's values go away for good.

use crate::context::Context;
use crate::voice::{Voice, safe, usage};
use anyhow::Context as _;
use clap::Args;
use model::DataClass;
use model::api::EraseRequest;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

/// What has to be typed.
const WORD: &str = "erase";
/// Most bytes of a line from standard input.
const LINE_BYTES_MAX: u64 = 4096;

const EXAMPLES: &str = "\
Examples:
  casemate data erase --class email --subject customer-4711
  printf '%s' \"$SUBJECT\" | casemate data erase --class email --yes";

/// Erase all values of one person in a class, for good
///
/// For fields that a contract calls `erasable`. Deletes the salt that the keys of this subject's
/// values were made with: its tokens stand for nothing any more, here and in every copy. Nothing
/// brings them back but a copy of the salts themselves. The ledger keeps the class and a keyed hash
/// of the subject.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Erase {
    /// What the values are, such as `email`
    #[arg(long, value_name = "CLASS")]
    class: DataClass,
    /// Whose they are, as requests have it in the contract's `subject` [default: a line of standard
    /// input]
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let subject = match self.subject {
            Some(subject) => subject,
            None => {
                if std::io::stdin().is_terminal() {
                    voice.note("type the subject");
                }
                line()?
            }
        };
        if !self.yes {
            confirm(voice, &self.class, &subject)?;
        }
        let erased = client.erase_data(&EraseRequest { class: self.class.clone(), subject })?;
        if voice.is_json() {
            return voice.document(&erased);
        }
        voice.line(format_args!(
            "erased the values of `{}` of this subject (ledger entry {})",
            self.class, erased.leaf
        ))?;
        voice.hint("a copy of the salts from before still has this one: see docs/guides/erase.md");
        Ok(())
    }
}

/// Has somebody say that it is meant.
fn confirm(voice: &Voice, class: &DataClass, subject: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(usage("this cannot be undone: say `--yes` where nobody can be asked"));
    }
    voice.note(format_args!(
        "all values of `{class}` of `{}` will be gone for good; type `{WORD}` to go on",
        safe(subject)
    ));
    if line()? == WORD {
        return Ok(());
    }
    anyhow::bail!("nothing was erased")
}

/// A line of standard input, without its end.
fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(LINE_BYTES_MAX);
    input.read_line(&mut text).context("cannot read standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
