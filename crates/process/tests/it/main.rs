//! Children that are started for real: this executable is its own child.
//!
//! Because of that it has a main of its own. It understands what `cargo test` and
//! `cargo nextest` say to a test executable: `--list`, `--exact`, and names.
#![expect(clippy::expect_used, reason = "a test's own steps fail loudly")]
#![expect(clippy::print_stdout, reason = "a test executable lists and reports on standard output")]

mod children;
mod jobs;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().and_then(|first| first.into_string().ok()).unwrap_or_default();
    if let Some(job) = first.strip_prefix("__") {
        return ExitCode::from(jobs::run(job, arguments));
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-') && *argument != "terse")
        .collect();
    let chosen = |test: &str| {
        names.is_empty()
            || names
                .iter()
                .any(|name| if has("--exact") { test == *name } else { test.contains(*name) })
    };
    let tests = children::TESTS.iter().filter(|(name, _)| chosen(name) && !has("--ignored"));
    if has("--list") {
        for (name, _) in tests {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests {
        let good = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        passed += usize::from(good);
        failed += usize::from(!good);
    }
    // The line that tools look for at the end of a test run.
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
