//! What people read: data on standard output, everything else on standard error.
//!
//! Invariant: nothing that a guest, a file or a node said is written without [`safe`].
//! Invariant: colour is never the only carrier of a meaning, and appears on terminals only.

mod failure;
mod progress;
mod safe;
mod table;

pub(crate) use failure::{Failure, usage};
pub(crate) use progress::Progress;
pub(crate) use safe::{SafeWriter, safe, safe_json};
pub(crate) use table::Table;

use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document, or one per line where the answer is a stream.
    Json,
}

/// Whoever read our output has stopped reading. Not a failure: `casemate … | head` ends so.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output went away")]
pub(crate) struct Closed;

/// The weight of a word.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    /// Something failed.
    Bad,
    /// Something needs a look.
    Warn,
    /// All is well.
    Good,
    /// Advice.
    Advice,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Bad => "\x1b[1;31m",
            Self::Warn => "\x1b[1;33m",
            Self::Good => "\x1b[32m",
            Self::Advice => "\x1b[1;36m",
        }
    }
}

/// Where and how to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    format: Format,
    quiet: bool,
    colour_out: bool,
    colour_err: bool,
}

impl Voice {
    /// A voice for this process's standard streams.
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        let wanted = colour_wanted();
        Self {
            format,
            quiet,
            colour_out: wanted && io::stdout().is_terminal(),
            colour_err: wanted && io::stderr().is_terminal(),
        }
    }

    /// Whether programs are to read the output.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether somebody looks at standard output.
    pub(crate) fn out_is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Writes one line of data. The caller has made foreign text in it [`safe`].
    pub(crate) fn line(&self, text: impl fmt::Display) -> anyhow::Result<()> {
        closed(writeln!(io::stdout().lock(), "{text}"))
    }

    /// Writes one JSON document, indented.
    pub(crate) fn document(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.line(safe_json(&serde_json::to_string_pretty(value)?))
    }

    /// Writes one JSON document on one line: an item of a stream.
    pub(crate) fn item(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.line(safe_json(&serde_json::to_string(value)?))
    }

    /// Says something beside the data, unless `--quiet`.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Advises, unless `--quiet`.
    pub(crate) fn hint(&self, text: impl fmt::Display) {
        self.note(format_args!("{} {text}", self.paint_err(Tone::Advice, "hint:")));
    }

    /// Warns, even if `--quiet`.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        self.say(format_args!("{} {text}", self.paint_err(Tone::Warn, "warning:")));
    }

    /// Passes on what a tool of the user's own says. Unchanged: it is their `cargo` or `npm`, which
    /// could write to the terminal without us.
    pub(crate) fn tool(&self, bytes: &[u8]) {
        let _nobody_left = io::stderr().lock().write_all(bytes);
    }

    /// Whether tools may use colours in what [`Voice::tool`] passes on.
    pub(crate) fn tools_in_colour(&self) -> bool {
        self.colour_err
    }

    /// Whether only data, warnings and errors are said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Shows that something long is under way, if somebody looks.
    pub(crate) fn progress(&self, doing: &str) -> Progress {
        Progress::spinner(doing, !self.quiet && io::stderr().is_terminal())
    }

    /// A word in a tone, for standard output.
    pub(crate) fn paint(&self, tone: Tone, word: &str) -> String {
        paint(self.colour_out, tone, word)
    }

    fn paint_err(&self, tone: Tone, word: &str) -> String {
        paint(self.colour_err, tone, word)
    }

    /// Writes to standard error. If that fails there is nobody left to tell.
    fn say(&self, text: impl fmt::Display) {
        let _nobody_left = writeln!(io::stderr().lock(), "{text}");
    }
}

fn paint(colour: bool, tone: Tone, word: &str) -> String {
    if colour { format!("{}{word}\x1b[0m", tone.code()) } else { word.to_owned() }
}

/// Turns the error of writing to a closed pipe into the quiet end of the command.
pub(crate) fn closed(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
        Ok(()) => Ok(()),
    }
}

/// `NO_COLOR` (<https://no-color.org>) and dumb terminals. These two are about the terminal, not
/// about the node, which is why they are read here and not in its configuration.
fn colour_wanted() -> bool {
    let set = |name| std::env::var_os(name).filter(|value: &std::ffi::OsString| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
