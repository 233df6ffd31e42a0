//! How fast key-value stores are, as the store crate's own example measures it.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Result, ensure};

/// What is measured and has a bar: what the example calls it, and asks a second at least.
const BARS: &[(&str, u64, &str)] =
    &[("reads", 20_000, ">= 20,000 /s"), ("durable writes", 3_000, ">= 3,000 /s")];

/// Runs the example, in the repository's `target` and not where temporary files go: those may be
/// in memory.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--locked", "-p", "casemate-store-sqlite"]);
    command.args(["--example", "keyvalue", "--"]).arg(bench.root.join("target"));
    let text = text_of(&mut command)?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    ensure!(rows.len() >= BARS.len(), "the example says what is not understood:\n{text}");
    let how = "One store of 100,000 keys with values of 256 bytes, asked by 64 tasks on two \
               threads for five seconds each. A write is counted when it is on the disk.\n\
               `cargo run --release -p casemate-store-sqlite --example keyvalue`\n";
    Ok(Section { title: "keyvalue", how: how.to_owned(), rows })
}

/// One line of the example, `WHAT: N /s`, or anything else that it says.
fn row(line: &str) -> Option<Row> {
    let (what, measured) = line.split_once(": ")?;
    let bar = BARS.iter().find(|(name, ..)| *name == what);
    let number = measured.strip_suffix(" /s").and_then(|number| number.parse::<u64>().ok());
    Some(match (bar, number) {
        (Some((_, least, bar)), Some(number)) => Row::barred(what, measured, bar, number >= *least),
        _ => Row::plain(what, measured),
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::Bar;
    use super::*;

    #[test]
    fn what_the_example_says_is_understood() {
        let read = row("reads: 51000 /s").expect("a row");
        assert_eq!(read.measured, "51000 /s");
        assert!(matches!(read.bar, Bar::At(_, true)));
        let slow = row("durable writes: 2999 /s").expect("a row");
        assert!(matches!(slow.bar, Bar::At(_, false)));
        let plain = row("first read after a start: 900 us").expect("a row");
        assert!(matches!(plain.bar, Bar::None));
        assert!(row("").is_none());
    }
}
