//! What a policy decision costs, as the policy crate's own example measures it.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Result, ensure};

/// Most nanoseconds of a decision that was taken before.
const CACHED_NS_MAX: u64 = 2_000;
/// Most nanoseconds of a decision that was not.
const FRESH_NS_MAX: u64 = 50_000;

/// Runs the example.
pub(super) fn measure(_: &Bench) -> Result<Section> {
    let mut command = cargo();
    command.args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "-p",
        "casemate-policy",
        "--example",
        "decide",
    ]);
    let text = text_of(&mut command)?;
    let rows: Vec<Row> = text.lines().flat_map(rows).collect();
    ensure!(!rows.is_empty(), "the example says what is not understood:\n{text}");
    let how = "One function with two grants, asked a million times for the same thing and 20,000 \
               times for different ones.\n`cargo run --release -p casemate-policy --example decide`\n";
    Ok(Section { title: "policy", how: how.to_owned(), rows })
}

/// One line of the example, `WHAT: cached N ns, not cached M ns, ...`, or anything else.
fn rows(line: &str) -> Vec<Row> {
    let Some((what, rest)) = line.split_once(": ") else { return Vec::new() };
    let number = |word: &str| {
        let after = rest.split(", ").find_map(|part| part.strip_prefix(word))?;
        after.strip_suffix(" ns")?.parse::<u64>().ok()
    };
    let (Some(cached), Some(fresh)) = (number("cached "), number("not cached ")) else {
        return vec![Row::plain(what, rest)];
    };
    vec![
        Row::barred(
            format!("decided before, {what}"),
            format!("{cached} ns"),
            "<= 2 us",
            cached <= CACHED_NS_MAX,
        ),
        Row::barred(
            format!("decided anew, {what}"),
            format!("{fresh} ns"),
            "<= 50 us",
            fresh <= FRESH_NS_MAX,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_example_says_is_understood() {
        let two = rows("no operator policies: cached 140 ns, not cached 9000 ns, made in 80 ns");
        assert_eq!(two.len(), 2);
        assert_eq!((two[0].measured.as_str(), two[1].measured.as_str()), ("140 ns", "9000 ns"));
        assert_eq!(rows("10,000 functions: 900 bytes each, 40 more after one decision").len(), 1);
        assert!(rows("").is_empty());
    }
}
