//! Jails that are started for real: this executable is its own launcher.
//!
//! It runs every test as root, and again as an ordinary user in processes of its own; who is not root
//! runs the latter only. It understands what `cargo test` says to a test executable: `--list`,
//! `--exact`, and names.
#![expect(clippy::expect_used, reason = "a test's own steps fail loudly")]
#![expect(clippy::panic, reason = "so does a test that finds what must not be")]
#![expect(clippy::print_stdout, reason = "a test executable lists and reports on standard output")]

mod abuse;
mod basics;
mod ends;
mod modes;
mod rig;
mod speed;

use modes::Mode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A test: its name, who runs it, and what it does.
type Test = (&'static str, &'static [Mode], fn());

fn all() -> impl Iterator<Item = &'static Test> {
    [basics::TESTS, abuse::TESTS, ends::TESTS].into_iter().flatten()
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().and_then(|first| first.into_string().ok()).unwrap_or_default();
    match first.as_str() {
        "__jail-check" => return ExitCode::from(casemate_native::run_check(arguments)),
        "__speed" => return speed::run(),
        "__jails" => return ExitCode::from(casemate_native::run_launcher(arguments)),
        "__run" => {
            return run(&arguments.filter_map(|one| one.into_string().ok()).collect::<Vec<_>>());
        }
        _ => {}
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-') && *argument != "terse")
        .collect();
    let chosen = |test: &str| {
        let fits =
            |name: &&String| if has("--exact") { test == **name } else { test.contains(*name) };
        !has("--ignored") && (names.is_empty() || names.iter().any(fits))
    };
    let mut failed = false;
    let (mut passed, mut wrong) = (0, 0);
    for mode in modes::possible() {
        let tests: Vec<&str> = all()
            .filter(|(_, modes, _)| modes.contains(&mode))
            .map(|(name, _, _)| *name)
            .filter(|name| chosen(&format!("{}::{name}", mode.name())))
            .collect();
        if has("--list") {
            tests.iter().for_each(|name| println!("{}::{name}: test", mode.name()));
        } else if !tests.is_empty() {
            let (good, bad) = modes::run(mode, &tests);
            (passed, wrong) = (passed + good, wrong + bad);
            failed |= bad > 0 || good != tests.len();
        }
    }
    if !has("--list") {
        // The line that tools look for at the end of a test run.
        let verdict = if failed { "FAILED" } else { "ok" };
        println!(
            "\ntest result: {verdict}. {passed} passed; {wrong} failed; 0 ignored; 0 measured; 0 filtered out\n"
        );
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs these tests in this process, one after another: a mode, then names.
fn run(arguments: &[String]) -> ExitCode {
    let Some((mode, names)) = arguments.split_first() else { return ExitCode::FAILURE };
    modes::begin(mode);
    for (name, _, test) in all().filter(|(name, _, _)| names.iter().any(|one| one == name)) {
        let good = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {mode}::{name} ... {}", if good { "ok" } else { "FAILED" });
    }
    ExitCode::SUCCESS
}
