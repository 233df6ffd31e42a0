//! `cargo xtask test`: everything that must hold before a change is accepted, in the order in
//! which it fails fastest.
//!
//! Invariant: a step that cannot be done fails. Nothing is skipped, unless `--fast` or `-p` say
//! so, and then the last line says that it was not the whole test.

mod clients;
mod needs;
mod servers;
mod workerd;

use crate::program::{cargo, run as run_program, say, shown};
use anyhow::{Context as _, Result, bail};
use std::process::Command;
use std::time::Instant;

/// How the command is used.
const USAGE: &str = "usage: cargo xtask test [--fast] [-p CRATE]
  --fast    leave out the guests that other languages' tools make
  -p CRATE  clippy and tests of one crate only, such as `-p wasm`";

/// The tests of the host that are run across the process seam, too: those of the engine, and those
/// of the real binary.
const BEYOND_THE_SEAM: &[&str] = &[
    "tests::asks::",
    "tests::calls::",
    "tests::callers::",
    "tests::secrets::",
    "guests::",
    "isolation::",
    "outbound::",
    "secrets::",
    "state::",
    "wasi03::",
];

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Options {
    fast: bool,
    package: Option<String>,
}

/// One step: its name, and what it does.
struct Step {
    name: &'static str,
    what: String,
    run: Box<dyn FnOnce() -> Result<()>>,
}

/// Runs the command.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let whole = options == Options::default();
    let begin = Instant::now();
    let mut times = Vec::new();
    for step in steps(&options) {
        let begin = Instant::now();
        say(&format!("==> {}: {}", step.name, step.what));
        (step.run)().with_context(|| format!("the step `{}` failed", step.name))?;
        let seconds = begin.elapsed().as_secs_f64();
        say(&format!("<== {} took {seconds:.1} s", step.name));
        times.push(format!("{} {seconds:.0} s", step.name));
    }
    say(&format!(
        "all steps passed in {:.0} s: {}",
        begin.elapsed().as_secs_f64(),
        times.join(", ")
    ));
    if !whole {
        say("THIS WAS NOT THE WHOLE TEST: run `cargo xtask test` without options");
    }
    Ok(())
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--fast" => options.fast = true,
                "-p" => options.package = Some(package(arguments.next().context(USAGE)?)),
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

/// A package's full name.
fn package(name: &str) -> String {
    match name {
        "casemate" | "xtask" => name.to_owned(),
        "cli" => "casemate".to_owned(),
        name if name.starts_with("casemate-") => name.to_owned(),
        name => format!("casemate-{name}"),
    }
}

fn steps(options: &Options) -> Vec<Step> {
    let scope: Vec<String> = match &options.package {
        Some(package) => vec!["-p".to_owned(), package.clone()],
        None => vec!["--workspace".to_owned()],
    };
    let mut guests = vec!["--check".to_owned()];
    if !options.fast {
        guests.push("--foreign".to_owned());
    }
    let foreign = !options.fast;
    let mut format = cargo();
    format.args(["fmt", "--all", "--check"]);
    let mut clippy = cargo();
    clippy
        .args(["clippy", "--locked", "--all-targets"])
        .args(&scope)
        .args(["--", "-D", "warnings"]);
    // What only benchmarks are built with must not rot unseen.
    let mut features = cargo();
    features.args([
        "clippy",
        "--locked",
        "--workspace",
        "--features",
        "casemate/danger-no-records",
    ]);
    features.args(["--", "-D", "warnings"]);
    // Building all targets first tells the time of building from the time of testing, and makes
    // the binary that the end-to-end tests start. Features are those of the tests, so nothing is
    // built twice.
    let mut build = cargo();
    build.args(["test", "--locked", "--no-run"]).args(&scope);
    let mut test = cargo();
    test.args(["test", "--locked", "--no-fail-fast"]).args(&scope);
    // What functions ask of the host, once more from beyond the process seam. The same packages and
    // targets as above, so that nothing is built anew.
    let mut seam = cargo();
    seam.env("CASEMATE_ISOLATION", "tenant")
        .args(["test", "--locked", "--no-fail-fast", "--workspace", "--lib", "--test", "e2e", "--"])
        .args(BEYOND_THE_SEAM);
    let shown_guests = format!("cargo xtask guests {}", guests.join(" "));
    let mut steps = vec![
        step("needs", "what has to be installed".to_owned(), move || {
            needs::check(foreign)?;
            clients::make()?;
            servers::make()?;
            workerd::make()
        }),
        program("format", format),
        step("tidy", "cargo xtask tidy".to_owned(), || crate::tidy::run(&[])),
        program("clippy", clippy),
        step("guests", shown_guests, move || crate::guests::run(&guests)),
        program("build", build),
        program("test", test),
    ];
    if options.package.is_none() {
        steps.push(program("features", features));
        steps.push(program("seam", seam));
    }
    steps
}

fn step(name: &'static str, what: String, run: impl FnOnce() -> Result<()> + 'static) -> Step {
    Step { name, what, run: Box::new(run) }
}

fn program(name: &'static str, mut command: Command) -> Step {
    step(name, shown(&command), move || run_program(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options> {
        Options::parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_others_are_refused() {
        assert_eq!(parse(&[]).expect("none"), Options::default());
        let both = parse(&["--fast", "-p", "wasm"]).expect("both");
        assert_eq!(both, Options { fast: true, package: Some("casemate-wasm".to_owned()) });
        assert!(parse(&["-p"]).is_err() && parse(&["--fats"]).is_err());
    }

    #[test]
    fn the_whole_test_has_every_step_over_the_whole_workspace() {
        let names = |options| steps(&options).iter().map(|step| step.name).collect::<Vec<_>>();
        let whole = names(Options::default());
        let expected = ["needs", "format", "tidy", "clippy", "guests", "build", "test"];
        assert_eq!(whole, [&expected[..], &["features", "seam"]].concat());
        assert_eq!(whole, names(parse(&["--fast"]).expect("fast")));
        let steps = steps(&Options::default());
        assert!(steps[4].what.contains("--foreign"));
        assert!(steps[3].what.contains("--workspace") && steps[6].what.contains("--workspace"));
    }
}
