//! `cargo xtask guests`: builds every WebAssembly component that examples and tests need.
//!
//! Built forms go to `target/guests/out/NAME.wasm`. Those of the examples are also committed, as
//! `examples/prebuilt/NAME.wasm` with a lock file beside them, so that `casemate up --demo` needs
//! nothing but cargo.
//!
//! Invariant: a file in `target/guests/out` is whole, and its stamp names the sources, the recipe
//! and the toolchain that it was made from. What has not changed is not built again.

mod bomb;
mod component;
mod foreign;
mod lock;
mod rust;
mod shaped;
mod source;
mod spin;
mod stamp;
mod stand_in;
mod toolchain;

pub(crate) use stand_in::run as stand_in;

use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How the command is used.
const USAGE: &str = "usage: cargo xtask guests [--check] [--foreign]
  --check    fail unless the committed components are what the sources give
  --foreign  also build the JavaScript and the Python component (needs npm and Python), and the
             applications of Spin's";

/// Largest built example.
const EXAMPLE_BYTES_MAX: usize = 200 * 1024;

/// Where things are.
struct Places {
    /// The repository.
    root: PathBuf,
    /// Everything that is built: `target/guests`.
    work: PathBuf,
    /// The built components: `target/guests/out`.
    out: PathBuf,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Options {
    check: bool,
    foreign: bool,
}

/// Runs the command.
///
/// # Errors
/// A toolchain that is missing, a guest that does not build, or a committed component that is not
/// what its sources give.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let places = Places::find()?;
    let toolchain = toolchain::Toolchain::find(&places)?;
    rust::build(&places, &toolchain, rust::EXAMPLES)?;
    rust::build(&places, &toolchain, rust::TESTS)?;
    shaped::build(&places)?;
    if options.check {
        lock::check(&places, &toolchain)?;
    } else {
        lock::update(&places, &toolchain)?;
    }
    if options.foreign {
        foreign::build(&places)?;
        spin::build(&places)?;
    }
    Ok(())
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for arg in args {
            match arg.as_str() {
                "--check" => options.check = true,
                "--foreign" => options.foreign = true,
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

impl Places {
    fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().context("xtask lies in the repository")?.to_path_buf();
        let work = root.join("target/guests");
        let out = work.join("out");
        std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        Ok(Self { root, work, out })
    }

    /// Where the component called `name` is built.
    fn built(&self, name: &str) -> PathBuf {
        self.out.join(format!("{name}.wasm"))
    }
}

/// Tells the person at the terminal what takes long.
fn say(line: &str) {
    // Nobody reads it: no reason to stop.
    let _ = writeln!(std::io::stderr(), "guests: {line}");
}

/// Writes a file so that no reader ever sees a part of it.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    let done = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    done.with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a file.
fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_others_are_refused() {
        let parse = |args: &[&str]| {
            Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]).expect("none"), Options::default());
        let both = Options { check: true, foreign: true };
        assert_eq!(parse(&["--foreign", "--check"]).expect("both"), both);
        assert!(parse(&["--chek"]).is_err());
    }

    #[test]
    fn every_example_has_a_manifest_that_a_node_accepts() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("root");
        let mut directories = rust::EXAMPLES.names.to_vec();
        directories.push(".");
        for directory in directories {
            let home = root.join("examples").join(directory);
            let text = std::fs::read_to_string(home.join("casemate.toml")).expect(directory);
            let manifest: model::Manifest = toml::from_str(&text).expect(directory);
            manifest.check(&model::limit::Ceiling::DEFAULT).expect(directory);
            for function in manifest.functions {
                let source = function.source.expect("a source");
                // An example's own manifest names what its own build makes; the common one names
                // what is committed.
                let committed = home.join(&source).is_file();
                assert!(committed || directory != ".", "{directory}: {source} is missing");
                assert!(
                    committed || function.build.is_some(),
                    "{directory}: nothing builds {source}"
                );
            }
        }
    }
}
