//! `cargo xtask fuzz`: the fuzz targets, each under a real fuzzer for some time.
//!
//! Every test runs the same targets a little, over the corpus and over mutations of it. Here
//! libFuzzer looks for inputs that reach new code. It needs flags of the compiler that are not
//! stable; `RUSTC_BOOTSTRAP` makes the toolchain at hand accept them, so that no other is needed.

use crate::program::{cargo, print, run as run_program, say, works};
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// How the command is used.
const USAGE: &str = "usage: cargo xtask fuzz [TARGET] [--seconds N] [--sanitizer NAME] [--list]
  TARGET       one of `--list`; all of them, one after the other, if none is named
  --seconds    for how long each; 60 if not said
  --sanitizer  `none` if not said, since nearly all code here is safe; or `address`
  --list       what there is";

/// How a target is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// libFuzzer, guided by what code an input reaches.
    Guided,
    /// The crate's own test goes on for that long with mutations of the corpus: a build of the
    /// crate for the fuzzer would take an hour.
    Blind {
        /// The package.
        package: &'static str,
        /// The test's name.
        test: &'static str,
    },
}

const fn blind(package: &'static str, test: &'static str) -> How {
    How::Blind { package, test }
}

/// Every target, by its name.
const TARGETS: &[(&str, How)] = &[
    ("azure_answer", How::Guided),
    ("backup", blind("casemate-node", "restore::fuzz::backups")),
    ("batch_reply", How::Guided),
    ("component", blind("casemate-wasm", "fuzz::components")),
    ("class_keys", blind("casemate-keys", "handing::fuzz::class_keys_of_other_homes")),
    ("cloudevent", How::Guided),
    ("contract", How::Guided),
    ("credentials", How::Guided),
    ("destination", How::Guided),
    ("detect", How::Guided),
    ("event_shape", How::Guided),
    ("frames", How::Guided),
    ("grant", How::Guided),
    ("head", How::Guided),
    ("hello", How::Guided),
    ("idempotency", How::Guided),
    ("import_file", blind("casemate", "import::fuzz::tests::import_file")),
    ("journal", How::Guided),
    ("kv_cell", blind("casemate-store-sqlite", "kv::cell::fuzz::cells")),
    ("lambda_prelude", How::Guided),
    ("lambda_reply", How::Guided),
    ("ledger", How::Guided),
    ("manifest_json", How::Guided),
    ("manifest_toml", How::Guided),
    ("named", How::Guided),
    ("namespace", How::Guided),
    ("nats_frame", How::Guided),
    ("note", How::Guided),
    ("outbound", How::Guided),
    ("policies", How::Guided),
    ("proxy", How::Guided),
    ("record", How::Guided),
    ("redis_reply", How::Guided),
    ("root_key", blind("casemate-keys", "file::fuzz::root_keys")),
    ("route", How::Guided),
    ("router", How::Guided),
    ("seam", How::Guided),
    ("settings", blind("casemate-node", "settings::fuzz::settings_files")),
    ("sift", How::Guided),
    ("sigv4", How::Guided),
    ("token", How::Guided),
    ("traceparent", How::Guided),
    ("unit", How::Guided),
    ("zip", How::Guided),
    ("layer", How::Guided),
];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    seconds: u64,
    sanitizer: String,
    list: bool,
}

/// Runs the command.
///
/// # Errors
/// Something is missing, or a target broke its promise.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    if options.list {
        TARGETS.iter().for_each(|(name, _)| print(name));
        return Ok(());
    }
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|(name, _)| options.target.as_deref().is_none_or(|chosen| chosen == *name))
        .collect();
    if chosen.is_empty() {
        let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        bail!("there is no such target; there are {}\n{USAGE}", known.join(", "));
    }
    if chosen.iter().any(|(_, how)| *how == How::Guided) {
        needs()?;
    }
    for (name, how) in &chosen {
        say(&format!("==> {name}, for {} s", options.seconds));
        let mut command = match how {
            How::Guided => guided(name, &options)?,
            How::Blind { package, test } => blindly(package, test, options.seconds),
        };
        run_program(&mut command).with_context(|| format!("the target `{name}` failed"))?;
    }
    Ok(())
}

/// One line that names what is missing.
fn needs() -> Result<()> {
    let advice = [
        ("cargo-fuzz", works("cargo", &["fuzz", "--version"]), "cargo install cargo-fuzz"),
        ("a C++ compiler", works("c++", &["--version"]), "install g++, for libFuzzer"),
    ];
    let missing: Vec<String> = advice
        .iter()
        .filter(|(_, there, _)| !there)
        .map(|(what, _, advice)| format!("{what} ({advice})"))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("missing: {}", missing.join("; ")),
    }
}

/// Finds go below `fuzz/target`, not into the corpus that is committed.
fn guided(name: &str, options: &Options) -> Result<Command> {
    let found = PathBuf::from("fuzz/target/found").join(name);
    let absolute = crate::place::root().join(&found);
    std::fs::create_dir_all(&absolute)
        .with_context(|| format!("cannot make {}", absolute.display()))?;
    let mut command = cargo();
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--sanitizer", &options.sanitizer, name])
        .arg(&found)
        .arg(PathBuf::from("fuzz/corpus").join(name))
        .args(["--", "-timeout=20", "-max_len=4096", "-print_final_stats=1"])
        .arg(format!("-max_total_time={}", options.seconds));
    Ok(command)
}

fn blindly(package: &str, test: &str, seconds: u64) -> Command {
    let mut command = cargo();
    command
        .env("CASEMATE_FUZZ_SECONDS", seconds.to_string())
        .args(["test", "-p", package, "--lib", "--", "--exact", test]);
    command
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options =
            Self { target: None, seconds: 60, sanitizer: "none".to_owned(), list: false };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => options.list = true,
                "--seconds" => {
                    let number = arguments.next().context(USAGE)?;
                    options.seconds = number.parse().context("--seconds takes a number")?;
                }
                "--sanitizer" => {
                    arguments.next().context(USAGE)?.clone_into(&mut options.sanitizer)
                }
                name if !name.starts_with('-') && options.target.is_none() => {
                    options.target = Some(name.to_owned());
                }
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(directory: &str, cut: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(crate::place::root().join(directory)).expect(directory);
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect(directory).file_name().to_string_lossy().into_owned()
        };
        entries.map(name).map(|name| name.trim_end_matches(cut).to_owned()).collect()
    }

    /// Every target has a corpus, which its crate's test insists on; every guided one has a file
    /// and a line in the manifest; and there is nothing else.
    #[test]
    fn what_is_listed_is_what_there_is() {
        let all: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("fuzz/corpus", ""), all);
        let guided = TARGETS.iter().filter(|(_, how)| *how == How::Guided);
        let guided: BTreeSet<String> = guided.map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("fuzz/fuzz_targets", ".rs"), guided);
        let manifest = std::fs::read_to_string(crate::place::root().join("fuzz/Cargo.toml"));
        let manifest: toml::Table = manifest.expect("a manifest").parse().expect("TOML");
        let bins = manifest["bin"].as_array().expect("bins").iter();
        let bins: BTreeSet<String> =
            bins.map(|bin| bin["name"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(bins, guided);
    }

    /// The test that a target is run by, guided or not, is there under the name of the target.
    #[test]
    fn every_target_is_run_by_a_test() {
        fn sources(directory: &std::path::Path, into: &mut String) {
            for entry in std::fs::read_dir(directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    sources(&path, into);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    into.push_str(&std::fs::read_to_string(path).expect("a source"));
                }
            }
        }
        let mut text = String::new();
        sources(&crate::place::root().join("crates"), &mut text);
        for (name, _) in TARGETS {
            assert!(text.contains(&format!("fuzzing::run(\"{name}\",")), "{name} is not run");
        }
    }

    #[test]
    fn options_are_read_and_others_are_refused() {
        let parse = |words: &[&str]| {
            Options::parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        };
        let options = parse(&["route", "--seconds", "5"]).expect("good");
        assert_eq!((options.target.as_deref(), options.seconds), (Some("route"), 5));
        assert!(parse(&["a", "b"]).is_err() && parse(&["--seconds", "x"]).is_err());
        assert!(parse(&["--minutes"]).is_err() && parse(&["--seconds"]).is_err());
    }
}
