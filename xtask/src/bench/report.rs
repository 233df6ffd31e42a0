//! The report: one section per measurement, each with its bars and how it was measured.

use super::{Bench, machine};
use anyhow::Result;
use std::fmt::Write as _;

/// One measurement, as people read it.
pub(super) struct Section {
    pub(super) title: &'static str,
    /// How it was measured, one sentence per line.
    pub(super) how: String,
    pub(super) rows: Vec<Row>,
}

/// One number and its bar.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) measured: String,
    pub(super) bar: Bar,
}

/// Whether a bar was held.
pub(super) enum Bar {
    /// There is none: a number for the reader.
    None,
    /// What it says, and whether it was held.
    At(&'static str, bool),
}

impl Row {
    /// A number without a bar.
    pub(super) fn plain(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), bar: Bar::None }
    }

    /// A number with its bar.
    pub(super) fn barred(
        what: impl Into<String>,
        measured: impl Into<String>,
        bar: &'static str,
        held: bool,
    ) -> Self {
        Self { what: what.into(), measured: measured.into(), bar: Bar::At(bar, held) }
    }
}

impl Section {
    /// Says why there is nothing to say.
    pub(super) fn not_made(title: &'static str, error: &anyhow::Error) -> Self {
        Self { title, how: format!("Not measured: {error:#}."), rows: Vec::new() }
    }
}

/// The whole report.
pub(super) fn document(bench: &Bench, sections: &[Section]) -> Result<String> {
    let mut out = String::from(
        "<!-- Made by `cargo xtask bench --write`; do not edit. -->\n\n# Benchmarks\n\n\
         Numbers of one machine on one day.\n\
         Read them as ratios, and measure on your own machine with `cargo xtask bench`.\n\
         What the bars mean is in [ARCHITECTURE.md](ARCHITECTURE.md#sizes-to-hold).\n\n\
         | machine | |\n|---|---|\n",
    );
    for (name, value) in machine::facts() {
        writeln!(out, "| {name} | {value} |")?;
    }
    let options = &bench.options;
    writeln!(out, "| who runs where | {} |", bench.cores.describe())?;
    let runs = format!("{} interleaved pairs, {} s each run", options.pairs, options.seconds);
    writeln!(out, "| runs | {runs} |")?;
    for section in sections {
        writeln!(out, "\n## {}\n\n{}", title(section.title), section.how.trim_end())?;
        if !section.rows.is_empty() {
            out.push_str("\n| what | measured | bar | held |\n|---|---|---|---|\n");
        }
        for Row { what, measured, bar } in &section.rows {
            let (bar, held) = match bar {
                Bar::None => ("", ""),
                Bar::At(bar, true) => (*bar, "yes"),
                Bar::At(bar, false) => (*bar, "**no**"),
            };
            writeln!(out, "| {what} | {measured} | {bar} | {held} |")?;
        }
    }
    Ok(out)
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
