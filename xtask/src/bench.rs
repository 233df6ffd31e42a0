//! `cargo xtask bench`: measures the sizes that `docs/ARCHITECTURE.md` promises.
//!
//! Every number is a ratio, a size, or a time with the bar beside it. Nothing here is a test:
//! a machine that is busy gives other numbers, and the report says which machine it was.
//!
//! Invariant: what could not be measured is said, with the reason, and never left out.

mod cold;
mod density;
mod detect;
mod http;
mod image;
mod keyvalue;
mod load;
mod loopers;
mod machine;
mod memory;
mod native;
mod node;
mod paced;
mod policy;
mod queue;
mod records;
mod report;
mod routing;
mod schedules;
mod seam;
mod secured;
mod stats;
mod streams;
mod throughput;
mod tokens;
mod websockets;

use crate::program::{cargo, print, run as run_program, say};
use anyhow::{Context as _, Result, bail, ensure};
use machine::Cores;
use report::Section;
use std::path::{Path, PathBuf};

/// How the command is used.
const USAGE: &str = "usage: cargo xtask bench [OPTIONS]
  --only NAME       one of throughput, policy, tokens, detect, routing, records, seam, cold,
                    density, loopers, keyvalue, queue, schedules, websockets,
                    streams, native, image; may be repeated
  --wasmtime PATH   the `wasmtime` to compare with; the one on PATH if not given
  --pairs N         interleaved pairs of runs, at least 7 [default: 7]
  --seconds N       length of one run [default: 5]
  --functions N     functions of the density measurement [default: 10000]
  --casemate PATH   measure this binary instead of building one
  --unrecorded PATH compare with this one, built with the feature danger-no-records
  --shared-cores    let servers use the load generator's core, too
  --write           write docs/BENCHMARKS.md; with --only, these sections of it";

/// One measurement.
type Measure = fn(&Bench) -> Result<Section>;

/// Every measurement by its name.
const MEASURES: &[(&str, Measure)] = &[
    ("throughput", throughput::measure),
    ("policy", policy::measure),
    ("tokens", tokens::measure),
    ("detect", detect::measure),
    ("routing", routing::measure),
    ("records", records::measure),
    ("seam", seam::measure),
    ("cold", cold::measure),
    ("density", density::measure),
    ("loopers", loopers::measure),
    ("keyvalue", keyvalue::measure),
    ("queue", queue::measure),
    ("schedules", schedules::measure),
    ("websockets", websockets::measure),
    ("streams", streams::measure),
    ("native", native::measure),
    ("image", image::measure),
];

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    only: Vec<String>,
    wasmtime: Option<PathBuf>,
    casemate: Option<PathBuf>,
    unrecorded: Option<PathBuf>,
    pairs: usize,
    seconds: u64,
    functions: usize,
    shared_cores: bool,
    write: bool,
}

/// What every measurement needs.
struct Bench {
    options: Options,
    /// The release binary.
    casemate: PathBuf,
    /// Who runs where.
    cores: Cores,
    /// The repository.
    root: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The binary cannot be built, or a measurement could not be made.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(("__paced", rest)) =
        arguments.split_first().map(|(name, rest)| (name.as_str(), rest))
    {
        return paced::run(rest);
    }
    let options = Options::parse(arguments)?;
    let bench = Bench::prepare(options)?;
    let mut sections = Vec::new();
    let mut failed = 0;
    for (name, measure) in MEASURES {
        if !bench.options.only.is_empty() && !bench.options.only.iter().any(|only| only == name) {
            continue;
        }
        say(&format!("bench: {name}"));
        sections.push(measure(&bench).unwrap_or_else(|error| {
            failed += 1;
            say(&format!("bench: {name}: {error:#}"));
            Section::not_made(name, &error)
        }));
    }
    let report = report::Document::new(&bench, &sections)?;
    print(&report.text());
    ensure!(failed == 0, "{failed} of the measurements could not be made");
    if bench.options.write { bench.write(report) } else { Ok(()) }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            only: Vec::new(),
            wasmtime: None,
            casemate: None,
            unrecorded: None,
            pairs: 7,
            seconds: 5,
            functions: 10_000,
            shared_cores: false,
            write: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().with_context(|| format!("`{argument}` takes a value"));
            match argument.as_str() {
                "--only" => options.only.push(value()?.clone()),
                "--wasmtime" => options.wasmtime = Some(value()?.into()),
                "--casemate" => options.casemate = Some(value()?.into()),
                "--unrecorded" => options.unrecorded = Some(value()?.into()),
                "--pairs" => options.pairs = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--functions" => options.functions = value()?.parse()?,
                "--shared-cores" => options.shared_cores = true,
                "--write" => options.write = true,
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        options.checked()
    }

    fn checked(self) -> Result<Self> {
        let known = |name: &String| MEASURES.iter().any(|(known, _)| known == name);
        if let Some(unknown) = self.only.iter().find(|name| !known(name)) {
            bail!("`{unknown}` is no measurement\n{USAGE}");
        }
        ensure!(self.pairs >= 1 && self.seconds >= 1 && self.functions >= 1, "counts begin at 1");
        ensure!(!self.write || self.pairs >= 7, "`--write` takes at least 7 pairs");
        let own = self.casemate.is_none() && self.unrecorded.is_none();
        ensure!(!self.write || own, "`--write` measures the release binary, not another");
        Ok(self)
    }
}

impl Bench {
    /// Builds the release binary, unless one was named.
    fn prepare(options: Options) -> Result<Self> {
        let root = crate::place::root();
        let casemate = match &options.casemate {
            Some(path) => std::path::absolute(path)?,
            None => build(&root, Build::Released)?,
        };
        ensure!(casemate.is_file(), "there is no {}", casemate.display());
        let cores = Cores::find(options.shared_cores);
        Ok(Self { options, casemate, cores, root })
    }

    /// Writes the report; where only some was measured, the rest of the one that is there stays.
    fn write(&self, report: report::Document) -> Result<()> {
        let path = self.root.join("docs/BENCHMARKS.md");
        let place = || path.display().to_string();
        let report = if self.options.only.is_empty() {
            report
        } else {
            let names: Vec<_> = MEASURES.iter().map(|(name, _)| *name).collect();
            let there = std::fs::read_to_string(&path).with_context(place)?;
            report.over(report::Document::parse(&there), &names)?
        };
        std::fs::write(&path, report.text()).with_context(place)?;
        say("bench: docs/BENCHMARKS.md is written");
        Ok(())
    }

    /// A binary that keeps no records: the one that was named, or a new one.
    fn unrecorded(&self) -> Result<PathBuf> {
        match (&self.options.unrecorded, &self.options.casemate) {
            (Some(path), _) => Ok(std::path::absolute(path)?),
            (None, Some(_)) => bail!("with `--casemate`, name the other with `--unrecorded`"),
            (None, None) => build(&self.root, Build::Unrecorded),
        }
    }

    /// A built component: one of the tests' guests, or the committed form of an example.
    fn component(&self, name: &str) -> Result<Vec<u8>> {
        let file = format!("{name}.wasm");
        let places = ["target/guests/out", "examples/prebuilt"];
        let path = places
            .iter()
            .map(|place| self.root.join(place).join(&file))
            .find(|path| path.is_file());
        let path =
            path.with_context(|| format!("no {file}: run `cargo xtask guests --foreign` first"))?;
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Which binary is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    /// As it is released.
    Released,
    /// Without records, for measuring what they cost.
    Unrecorded,
}

/// Builds a binary, and copies it to where no other build overwrites it.
fn build(root: &Path, which: Build) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--package", "casemate", "--bin", "casemate"]);
    let name = match which {
        Build::Released => "casemate",
        Build::Unrecorded => {
            command.args(["--features", "danger-no-records"]);
            "casemate-without-records"
        }
    };
    say(&format!("bench: building {name}"));
    run_program(&mut command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let built = target.map_or_else(|| root.join("target"), PathBuf::from).join("release/casemate");
    let kept = root.join("target/bench").join(name);
    std::fs::create_dir_all(root.join("target/bench"))?;
    // A file that still runs somewhere cannot be written to, only replaced.
    let _ = std::fs::remove_file(&kept);
    std::fs::copy(&built, &kept).with_context(|| format!("cargo built no {}", built.display()))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options> {
        Options::parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_others_are_refused() {
        let options = parse(&["--only", "cold", "--pairs", "9"]).expect("options");
        assert_eq!((options.only, options.pairs), (vec!["cold".to_owned()], 9));
        for wrong in [
            &["--only", "warm"][..],
            &["--pairs"],
            &["--pairs", "0"],
            &["--wrtie"],
            &["--write", "--pairs", "3"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
