//! `casemate detect`: which sensitive data is in files, without a node.

mod csv;
mod report;
mod rules;
mod source;
mod text;

use crate::context::Context;
use clap::{Args, ValueEnum};
use model::DataClass;
use protect::detect::Confidence;
use report::Report;
use source::Source;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  casemate detect export.csv app.log
  journalctl -o json | casemate detect -
  casemate detect --only secret --fail-on enforceable src/*.env
  casemate detect --format json dump.jsonl | jq 'select(.class == \"pan\")'
  casemate detect --rules rules.toml members.csv

Prints where values are, never a value itself. Exit codes: 0 nothing was found, 3 something was,
1 a file could not be read, 64 the command line cannot be used.";

/// Exit code when something was found.
const FOUND: u8 = 3;

/// Find sensitive data in files
///
/// Looks for payment cards, IBANs, e-mail addresses, telephone numbers, addresses of devices,
/// national ids, keys and passwords. Shapes alone are not enough: check digits and the words
/// before a value decide. Needs no node, and memory that does not depend on the size of a file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Detect {
    /// Files, or - for standard input
    #[arg(value_name = "FILE | -", required = true)]
    files: Vec<PathBuf>,
    /// Only this class, such as pan or secret; may be repeated
    #[arg(long, value_name = "CLASS")]
    only: Vec<DataClass>,
    /// Rules of your own, in TOML
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Also report what only has the shape
    #[arg(long)]
    all: bool,
    /// How to read the files; by their names if not said
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// Most findings that are printed for each rule and file; 0 prints all, counts are complete
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u64,
    /// What makes the exit code 3
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    fail_on: FailOn,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text of any kind, JSON and JSON lines, too: the words before a value say what it is.
    Text,
    /// Columns: their heads say what values are.
    Csv,
}

/// What makes the exit code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FailOn {
    /// Any finding.
    #[default]
    Any,
    /// A finding that is sure enough to be masked or blocked.
    Enforceable,
    /// Nothing.
    Never,
}

impl Detect {
    /// Searches the files one after the other.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let detector = rules::detector(self.rules.as_deref(), &self.only)?;
        let detector = if self.all { detector.reporting(Confidence::Pattern) } else { detector };
        let mut report = Report::new(&detector, context.voice, self.limit);
        for path in &self.files {
            let source = Source::open(path)?;
            report.begin(&source);
            match self.form.unwrap_or_else(|| Form::of(path)) {
                Form::Text => text::search(source, &detector, &mut report)?,
                Form::Csv => csv::search(source, &detector, &mut report)?,
            }
        }
        let totals = report.finish()?;
        let failed = match self.fail_on {
            FailOn::Any => totals.found > 0,
            FailOn::Enforceable => totals.enforceable > 0,
            FailOn::Never => false,
        };
        Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
    }
}

impl Form {
    fn of(path: &std::path::Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let columns = extension
            .is_some_and(|own| ["csv", "tsv"].iter().any(|known| own.eq_ignore_ascii_case(known)));
        if columns { Self::Csv } else { Self::Text }
    }
}
