//! What people and programs see of findings.
//!
//! Invariant: of a value at most a quarter is printed.

use super::source::Source;
use crate::voice::{Progress, Table, Voice, safe};
use protect::detect::{Detector, Finding, RuleId};
use serde::Serialize;
use std::collections::BTreeMap;

/// After how many bytes the sign of life is changed.
const STEP: u64 = 16 << 20;

/// Where a value is: lines and columns count from 1, columns in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// How many findings a rule has.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    found: u64,
    enforceable: u64,
    /// In the file that is being read.
    here: u64,
}

/// How many there are of all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) found: u64,
    pub(super) enforceable: u64,
}

/// One finding, for programs.
#[derive(Serialize)]
struct Item<'a> {
    file: &'a str,
    line: u64,
    column: u64,
    offset: u64,
    length: u64,
    class: &'a str,
    rule: &'a str,
    confidence: &'static str,
    enforceable: bool,
    masked: String,
}

/// The last line, for programs.
#[derive(Serialize)]
struct Summary {
    summary: Sums,
}

#[derive(Serialize)]
struct Sums {
    files: u64,
    bytes: u64,
    found: u64,
    enforceable: u64,
    rules: Vec<Sum>,
}

#[derive(Serialize)]
struct Sum {
    class: String,
    rule: String,
    found: u64,
    enforceable: u64,
}

/// Prints findings as they come.
pub(super) struct Report<'a> {
    detector: &'a Detector,
    voice: Voice,
    limit: u64,
    counts: BTreeMap<RuleId, Count>,
    file: String,
    size: Option<u64>,
    files: u64,
    bytes: u64,
    /// Of this file, and when the sign of life was changed last.
    read: u64,
    shown: u64,
    progress: Progress,
}

impl<'a> Report<'a> {
    /// Nothing found yet.
    pub(super) fn new(detector: &'a Detector, voice: Voice, limit: u64) -> Self {
        Self {
            detector,
            voice,
            limit,
            counts: BTreeMap::new(),
            file: String::new(),
            size: None,
            files: 0,
            bytes: 0,
            read: 0,
            shown: 0,
            progress: voice.progress("reading"),
        }
    }

    /// Begins with a file.
    pub(super) fn begin(&mut self, source: &Source) {
        (self.file, self.size) = (source.name.clone(), source.size);
        (self.read, self.shown) = (0, 0);
        self.files += 1;
        self.counts.values_mut().for_each(|count| count.here = 0);
        self.progress.doing(safe(&self.file).into_owned());
    }

    /// So many more bytes were read.
    pub(super) fn read(&mut self, count: usize) {
        let count = u64::try_from(count).unwrap_or_default();
        (self.read, self.bytes) = (self.read + count, self.bytes + count);
        if self.read - self.shown >= STEP {
            self.shown = self.read;
            let of = self.size.map(|size| format!(" of {}", mib(size))).unwrap_or_default();
            self.progress.doing(format!("{}: {}{of}", safe(&self.file), mib(self.read)));
        }
    }

    /// Something was found.
    pub(super) fn found(
        &mut self,
        finding: &Finding,
        place: Place,
        value: &[u8],
    ) -> anyhow::Result<()> {
        let Some(rule) = self.detector.rule(finding.rule) else { return Ok(()) };
        let enforceable = rule.enforceable(finding.confidence);
        let count = self.counts.entry(finding.rule).or_default();
        count.found += 1;
        count.here += 1;
        count.enforceable += u64::from(enforceable);
        if self.limit > 0 && count.here > self.limit {
            return Ok(());
        }
        let (class, confidence) = (rule.class.as_str(), finding.confidence.name());
        let masked = masked(value);
        let Place { line, column } = place;
        if self.voice.is_json() {
            let (offset, length) = (finding.start, finding.end - finding.start);
            let (file, rule) = (self.file.as_str(), rule.name.as_str());
            return self.voice.item(&Item {
                file,
                line,
                column,
                offset,
                length,
                class,
                rule,
                confidence,
                enforceable,
                masked,
            });
        }
        let name = if rule.name == class { String::new() } else { format!(" ({})", rule.name) };
        let file = safe(&self.file);
        self.voice.line(format_args!(
            "{file}:{line}:{column}: {class}{name}, {confidence}: {}",
            safe(&masked)
        ))
    }

    /// Prints the counts.
    pub(super) fn finish(self) -> anyhow::Result<Totals> {
        drop(self.progress);
        let mut totals = Totals::default();
        let mut rules = Vec::new();
        for (id, count) in &self.counts {
            totals.found += count.found;
            totals.enforceable += count.enforceable;
            let Some(rule) = self.detector.rule(*id) else { continue };
            rules.push(Sum {
                class: rule.class.to_string(),
                rule: rule.name.clone(),
                found: count.found,
                enforceable: count.enforceable,
            });
        }
        let Totals { found, enforceable } = totals;
        if self.voice.is_json() {
            let (files, bytes) = (self.files, self.bytes);
            let summary = Sums { files, bytes, found, enforceable, rules };
            self.voice.item(&Summary { summary })?;
            return Ok(totals);
        }
        if rules.is_empty() {
            self.voice.note(format_args!("nothing found in {} file(s)", self.files));
            return Ok(totals);
        }
        let mut table = Table::new(["CLASS", "RULE", "FOUND", "ENFORCEABLE"]);
        for sum in rules {
            table.row([sum.class, sum.rule, sum.found.to_string(), sum.enforceable.to_string()]);
        }
        self.voice.line("")?;
        table.print(&self.voice)?;
        Ok(totals)
    }
}

/// The first and the last characters of a value: together at most a quarter of it, and at most
/// eight.
fn masked(value: &[u8]) -> String {
    let keep = (value.len() / 8).min(4);
    let (head, tail) = value.split_at(keep);
    let tail = tail.get(tail.len() - keep..).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}…{} ({} bytes)", text(head), text(tail), value.len())
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_a_value_is_printed() {
        for (value, expect) in [
            ("4111111111111111", "41…11 (16 bytes)"),
            ("hunter2", "… (7 bytes)"),
            ("", "… (0 bytes)"),
            ("ann@example.com", "a…m (15 bytes)"),
        ] {
            assert_eq!(masked(value.as_bytes()), expect);
        }
    }
}
