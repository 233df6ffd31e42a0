//! The repository's own tools: `cargo xtask COMMAND`.
//!
//! Everything that a check or a build step needs is a command here and not a script beside it, so
//! that a developer and the CI run the same thing.
//!
//! Invariant: no heavy crate is pulled in, so that the first `cargo xtask` builds in seconds.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "a developer's tool starts programs and reads clocks"
)]

mod bench;
mod dist;
mod docs;
mod fuzz;
mod guests;
mod packages;
mod place;
mod program;
mod site;
mod test;
mod tidy;

use std::process::ExitCode;

/// What the commands are.
const USAGE: &str = "usage: cargo xtask COMMAND [OPTIONS]
  test     everything that must hold before a change is accepted [--fast] [-p CRATE]
  tidy     the rules of the house: floors, licences, words, links, named tests
  wasip2   stand in for a cargo that has the target wasm32-wasip2: build --release ...
  guests   build the WebAssembly components of examples and tests [--check] [--foreign]
  bench    measure the sizes that docs/ARCHITECTURE.md promises [--only NAME] [--write] ...
  docs     make the generated documents again
  site     the documentation as a site of plain files [--out DIR]
  dist     what people install: binary, Debian package, image, SBOM, checksums [--check] ...
  fuzz     run the fuzz targets under a real fuzzer [TARGET] [--seconds N]";

/// One command.
type Command = fn(&[String]) -> anyhow::Result<()>;

/// Every command by its name.
const COMMANDS: &[(&str, Command)] = &[
    ("test", test::run),
    ("tidy", tidy::run),
    ("wasip2", guests::stand_in),
    ("guests", guests::run),
    ("bench", bench::run),
    ("fuzz", fuzz::run),
    ("docs", docs::run),
    ("site", site::run),
    ("dist", dist::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name, rest));
    let Some((_, command)) = COMMANDS.iter().find(|(known, _)| *known == name) else {
        program::say(USAGE);
        return ExitCode::from(64);
    };
    match command(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            program::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
