//! What finding out who asks costs, as the identity crate's own example measures it.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Result, ensure};

/// Runs the example.
pub(super) fn measure(_: &Bench) -> Result<Section> {
    let mut command = cargo();
    let example = ["-p", "casemate-identity", "--example", "verify"];
    command.args(["run", "--quiet", "--release", "--locked"]).args(example);
    let text = text_of(&mut command)?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    ensure!(!rows.is_empty(), "the example says what is not understood:\n{text}");
    let how = "20,000 tokens seen for the first time, and one a million times.\n\
               `cargo run --release -p casemate-identity --example verify`\n";
    Ok(Section { title: "tokens", how: how.to_owned(), rows })
}

/// One line of the example, `WHAT: COST`.
fn row(line: &str) -> Option<Row> {
    let (what, cost) = line.split_once(": ")?;
    Some(Row::plain(what, cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_example_says_is_understood() {
        let row = row("ES256, 418 bytes: cold 110393 ns, warm 1114 ns").unwrap();
        assert_eq!(row.measured, "cold 110393 ns, warm 1114 ns");
        assert!(super::row("").is_none());
    }
}
