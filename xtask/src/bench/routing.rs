//! What finding a route costs among few and among many, in instructions.
//!
//! Instructions are counted by callgrind over a test of the router itself, so that the number is
//! the same on a busy machine. The test build is not optimised; the ratio is what counts.

use super::Bench;
use super::report::{Row, Section};
use crate::program::{cargo, text_of};
use anyhow::{Context as _, Result, ensure};
use std::process::Command;

/// Most that ten thousand functions may cost beyond one hundred, in per cent.
const RISE_MAX: f64 = 5.0;
/// The function whose instructions are counted.
const COUNTED: &str = "--toggle-collect=*::finds_to_count";

/// Counts both.
pub(super) fn measure(_: &Bench) -> Result<Section> {
    let binary = test_binary()?;
    let few = instructions(&binary, "router::tests::finds_among_one_hundred")?;
    let many = instructions(&binary, "router::tests::finds_among_ten_thousand")?;
    let rise = (many / few - 1.0) * 100.0;
    let how = "1,000 look-ups among 100 functions and among 10,000, counted by \
               `valgrind --tool=callgrind` over the router's own tests.\n";
    let rows = vec![
        Row::plain("instructions among 100", format!("{few:.0}")),
        Row::plain("instructions among 10,000", format!("{many:.0}")),
        Row::barred("rise", format!("{rise:+.1} %"), "within 5 %", rise.abs() <= RISE_MAX),
    ];
    Ok(Section { title: "routing", how: how.to_owned(), rows })
}

/// The engine's unit tests, built.
fn test_binary() -> Result<String> {
    let mut command = cargo();
    command.args(["test", "--locked", "-p", "casemate-engine", "--lib", "--no-run"]);
    command.args(["--message-format", "json"]);
    let text = text_of(&mut command)?;
    let messages = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    let mut named = messages.filter_map(|message: serde_json::Value| {
        let ours = message["target"]["name"] == "casemate_engine";
        message["executable"].as_str().filter(|_| ours).map(str::to_owned)
    });
    named.next_back().context("cargo named no test binary of the engine")
}

fn instructions(binary: &str, test: &str) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED, binary, test])
        .output()
        .context("valgrind is not installed: `apt-get install valgrind`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{test} failed under valgrind:\n{said}");
    let counted = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = counted.with_context(|| format!("valgrind counted nothing:\n{said}"))?;
    Ok(count.trim().parse()?)
}
