//! Text: one stream, in which the words before a value say what it is.

use super::report::{Place, Report};
use super::source::Source;
use protect::detect::{Detector, Finding, Scanner};

/// How much is read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// Where in a text a byte is.
struct Lines {
    /// What was read and may still be a part of a finding.
    held: Vec<u8>,
    /// How many bytes were before that.
    base: u64,
    /// The line and the first byte of the line at `base`.
    line: u64,
    begin: u64,
}

/// Searches a text.
pub(super) fn search(
    mut source: Source,
    detector: &Detector,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let mut scanner = detector.scanner();
    let mut lines = Lines { held: Vec::new(), base: 0, line: 1, begin: 0 };
    let mut found = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = source.read(&mut piece)?;
        let bytes = piece.get(..count).unwrap_or_default();
        lines.held.extend_from_slice(bytes);
        match count {
            0 => scanner.finish(|finding| found.push(finding)),
            _ => scanner.feed(bytes, |finding| found.push(finding)),
        }
        tell(&mut lines, &mut found, report)?;
        if count == 0 {
            return Ok(());
        }
        forget(&mut lines, &scanner);
        report.read(count);
    }
}

fn tell(
    lines: &mut Lines,
    found: &mut Vec<Finding>,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    for finding in found.drain(..) {
        lines.go_to(finding.start);
        let length = usize::try_from(finding.end - finding.start).unwrap_or_default();
        let value = lines.held.get(..length).unwrap_or_default();
        let place = Place { line: lines.line, column: finding.start - lines.begin + 1 };
        report.found(&finding, place, value)?;
    }
    Ok(())
}

fn forget(lines: &mut Lines, scanner: &Scanner<'_>) {
    lines.go_to(scanner.decided());
}

impl Lines {
    /// Drops what is before `to`, and counts its lines.
    fn go_to(&mut self, to: u64) {
        let many = usize::try_from(to.saturating_sub(self.base)).unwrap_or_default();
        let many = many.min(self.held.len());
        let gone = self.held.get(..many).unwrap_or_default();
        self.line +=
            u64::try_from(gone.iter().filter(|b| **b == b'\n').count()).unwrap_or_default();
        if let Some(last) = gone.iter().rposition(|byte| *byte == b'\n') {
            self.begin = self.base + u64::try_from(last).unwrap_or_default() + 1;
        }
        self.base += u64::try_from(many).unwrap_or_default();
        self.held.drain(..many);
    }
}
