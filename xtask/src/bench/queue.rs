//! How fast the queue is, as the store crate's own example measures it.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Result, ensure};

/// Memory for a backlog.
const MOST_MIB: u64 = 64;
/// Messages a second, in and out.
const LEAST: u64 = 5_000;

/// Runs the example, in the repository's `target` and not where temporary files go: those may be
/// in memory.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--locked", "-p", "casemate-store-sqlite"]);
    command.args(["--example", "queue", "--"]).arg(bench.root.join("target"));
    let text = text_of(&mut command)?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    ensure!(rows.len() >= 3, "the example says what is not understood:\n{text}");
    let how = "50,000 sealed messages of 1 KiB, 32 callers and workers on two threads. A message \
               is counted in when it is on the disk, and out when its end is. The backlog is of a \
               million such, half of them of one key.\n\
               `cargo run --release -p casemate-store-sqlite --example queue`\n";
    Ok(Section { title: "queue", how: how.to_owned(), rows })
}

/// One line of the example, `WHAT: N /s`, `WHAT: N MiB`, or anything else that it says.
fn row(line: &str) -> Option<Row> {
    let (what, measured) = line.split_once(": ")?;
    let memory = measured.strip_suffix(" MiB").and_then(|number| number.parse::<u64>().ok());
    if let Some(number) = memory {
        return Some(Row::barred(what, measured, "<= 64 MiB", number <= MOST_MIB));
    }
    let number = measured.strip_suffix(" /s").and_then(|number| number.parse::<u64>().ok());
    Some(match number {
        Some(number) => Row::barred(what, measured, ">= 5,000 /s", number >= LEAST),
        None => Row::plain(what, measured),
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::Bar;
    use super::*;

    #[test]
    fn what_the_example_says_is_understood() {
        assert!(matches!(row("in: 5000 /s").expect("a row").bar, Bar::At(_, true)));
        assert!(matches!(row("out: 4999 /s").expect("a row").bar, Bar::At(_, false)));
        assert!(matches!(row("memory: 64 MiB").expect("a row").bar, Bar::At(_, true)));
        assert!(matches!(row("memory: 65 MiB").expect("a row").bar, Bar::At(_, false)));
        assert!(matches!(row("one caller alone, each: 9 us").expect("a row").bar, Bar::None));
        assert!(row("").is_none());
    }
}
