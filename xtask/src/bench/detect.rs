//! How fast sensitive data is looked for, and how rightly, as the crate's own example measures it.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Result, ensure};

/// Least megabytes per second of one core, with the built-in rules.
const SPEED_MIN: u64 = 150;

/// Runs the example.
pub(super) fn measure(_: &Bench) -> Result<Section> {
    let mut command = cargo();
    let example = ["-p", "casemate-protect", "--example", "detect"];
    command.args(["run", "--quiet", "--release", "--locked"]).args(example);
    let text = text_of(&mut command)?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    ensure!(!rows.is_empty(), "the example says what is not understood:\n{text}");
    let how = "64 MiB of generated text in pieces of 16 KiB, on one thread, by the time that it \
               computes; 1 GiB of generated logs without a sensitive value.\n\
               Precision and recall are in [the reference](reference/detection.md).\n\
               `cargo run --release -p casemate-protect --example detect`\n";
    Ok(Section { title: "detect", how: how.to_owned(), rows })
}

/// One line of the example, `WHAT: SPEED` or `WHAT: COUNT`; its table is left out.
fn row(line: &str) -> Option<Row> {
    let (what, measured) = line.split_once(": ").filter(|_| !line.starts_with('|'))?;
    let speed = measured.strip_suffix(" MB/s").and_then(|speed| speed.parse::<u64>().ok());
    Some(match (what, speed) {
        ("JSON" | "logs", Some(speed)) => {
            Row::barred(what, measured, ">= 150 MB/s", speed >= SPEED_MIN)
        }
        (what, None) if what.starts_with("false hits that may be enforced") => {
            Row::barred(what, measured, "<= 1", matches!(measured, "0" | "1"))
        }
        _ => Row::plain(what, measured),
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::Bar;

    #[test]
    fn what_the_example_says_is_understood() {
        let bar = |line: &str| super::row(line).map(|row| row.bar);
        assert!(matches!(bar("logs: 149 MB/s"), Some(Bar::At(_, false))));
        assert!(matches!(bar("JSON: 150 MB/s"), Some(Bar::At(_, true))));
        let hits = "false hits that may be enforced, in 1024 MiB of ordinary logs: 2";
        assert!(matches!(bar(hits), Some(Bar::At(_, false))));
        assert!(matches!(bar("logs, with 100 known values: 9 MB/s"), Some(Bar::None)));
        assert!(bar("| pan | `pan` | 0.99: |").is_none() && bar("").is_none());
    }
}
