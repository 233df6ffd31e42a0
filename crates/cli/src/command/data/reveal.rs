//! `casemate data reveal`: values come back for an operator.

use crate::context::Context;
use anyhow::Context as _;
use clap::Args;
use model::DataClass;
use model::api::{RevealRequest, TOKENS_MAX};
use std::io::{BufRead as _, IsTerminal as _};

/// Most bytes of tokens from standard input.
const INPUT_BYTES_MAX: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  casemate data reveal --class pan --purpose 'chargeback 4711' tok_pan_1_...
  casemate data reveal --class email --purpose 'notice of 12 May' < tokens.txt";

/// Show the values of tokens, for a purpose that the ledger keeps
///
/// The class, the purpose, the number of tokens and a digest of them become an entry of the ledger
/// before a value is shown; no value stands in a log. At most 100 values in a minute.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reveal {
    /// What the values are, such as `pan`
    #[arg(long, value_name = "CLASS")]
    class: DataClass,
    /// What for, in words
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// The tokens [default: one on each line of standard input]
    #[arg(value_name = "TOKEN")]
    tokens: Vec<String>,
}

impl Reveal {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let tokens = match self.tokens.is_empty() {
            true => {
                let input = std::io::stdin();
                if input.is_terminal() {
                    voice.note("type the tokens, one on each line, then press Ctrl-D");
                }
                read(input.lock()).context("cannot read the tokens")?
            }
            false => self.tokens,
        };
        let request = RevealRequest { class: self.class, purpose: self.purpose, tokens };
        let revealed = client.reveal_data(&request)?;
        if voice.is_json() {
            return voice.document(&revealed);
        }
        for value in &revealed.values {
            voice.line(value)?;
        }
        voice.note(format_args!("ledger entry {}", revealed.leaf));
        Ok(())
    }
}

/// The lines that are not empty, up to one more than the node takes.
fn read(input: impl std::io::BufRead) -> std::io::Result<Vec<String>> {
    let lines = input.take(INPUT_BYTES_MAX).lines();
    let full = |line: &std::io::Result<String>| !matches!(line, Ok(text) if text.is_empty());
    let trimmed = lines.map(|line| line.map(|line| line.trim().to_owned()));
    trimmed.filter(full).take(TOKENS_MAX + 1).collect()
}
