//! The report: one section per measurement, each with its bars and how it was measured.

use super::{Bench, machine};
use anyhow::{Result, ensure};
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

    /// The text below its title.
    fn written(&self, date: &str) -> Result<String> {
        let mut out = String::new();
        writeln!(out, "\n{}\nMeasured {date}.", self.how.trim_end())?;
        if !self.rows.is_empty() {
            out.push_str("\n| what | measured | bar | held |\n|---|---|---|---|\n");
        }
        for Row { what, measured, bar } in &self.rows {
            let (bar, held) = match bar {
                Bar::None => ("", ""),
                Bar::At(bar, true) => (*bar, "yes"),
                Bar::At(bar, false) => (*bar, "**no**"),
            };
            writeln!(out, "| {what} | {measured} | {bar} | {held} |")?;
        }
        Ok(out)
    }
}

/// A report as text: what holds for all of it, and every section with its title.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    head: String,
    sections: Vec<(String, String)>,
}

impl Document {
    /// The report of what was measured now.
    pub(super) fn new(bench: &Bench, sections: &[Section]) -> Result<Self> {
        let date = machine::date();
        let written =
            sections.iter().map(|section| Ok((title(section.title), section.written(&date)?)));
        Ok(Self { head: head(bench)?, sections: written.collect::<Result<_>>()? })
    }

    /// A report that was written before.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.split("\n## ");
        let head = parts.next().unwrap_or_default().to_owned();
        let sections = parts.map(|part| {
            let (title, body) = part.split_once('\n').unwrap_or((part, ""));
            (title.to_owned(), body.to_owned())
        });
        Self { head, sections: sections.collect() }
    }

    /// Puts this report's sections in the place of another's of their names; `order` has the names
    /// of all.
    ///
    /// # Errors
    /// The other report is of another machine, or was measured in another way: its numbers would
    /// stand beside these as if they could be compared.
    pub(super) fn over(mut self, other: Self, order: &[&str]) -> Result<Self> {
        ensure!(
            self.head == other.head,
            "the report there is of another machine, compiler or length of runs: measure all of it"
        );
        let others = other.sections.into_iter();
        let kept: Vec<_> =
            others.filter(|(name, _)| self.sections.iter().all(|(own, _)| own != name)).collect();
        self.sections.extend(kept);
        self.sections.sort_by_key(|(name, _)| order.iter().position(|known| title(known) == *name));
        Ok(self)
    }

    /// The report, as people read it.
    pub(super) fn text(&self) -> String {
        let mut out = self.head.clone();
        for (title, body) in &self.sections {
            out.push_str("\n## ");
            out.push_str(title);
            out.push('\n');
            out.push_str(body);
        }
        out
    }
}

/// What holds for every section.
fn head(bench: &Bench) -> Result<String> {
    let mut out = String::from(
        "<!-- Made by `cargo xtask bench --write`; do not edit. -->\n\n# Benchmarks\n\n\
         Numbers of one machine, each section with its date.\n\
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
    Ok(out)
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(sections: &[(&str, &str)]) -> Document {
        let owned = |(title, body): &(&str, &str)| ((*title).to_owned(), format!("\n{body}\n"));
        Document { head: "# Head\n".into(), sections: sections.iter().map(owned).collect() }
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let whole = document(&[("Cold", "one\n\n| a |"), ("Native", "two")]);
        assert_eq!(Document::parse(&whole.text()), whole);
    }

    #[test]
    fn a_section_takes_its_elders_place_and_the_others_stay() {
        let old = document(&[("Policy", "old"), ("Native", "old")]);
        let new = document(&[("Native", "new"), ("Cold", "new")]);
        let both = new.over(old, &["policy", "cold", "native"]).expect("the same machine");
        assert_eq!(both, document(&[("Policy", "old"), ("Cold", "new"), ("Native", "new")]));
    }

    #[test]
    fn numbers_of_two_machines_are_not_mixed() {
        let mut old = document(&[("Policy", "old")]);
        old.head.push_str("| cores | 64 |\n");
        assert!(document(&[("Cold", "new")]).over(old, &["policy", "cold"]).is_err());
    }
}
