//! `cargo xtask dist`: what people install without compiling.
//!
//! From one static binary: a tar file, a Debian package with a hardened systemd unit, a container
//! image as an OCI layout, the list of all that is built in, checksums and a signature.
//!
//! Invariant: the same commit gives the same bytes. Times are the commit's, owners are numbers,
//! orders are fixed, and paths of the machine are not in the binary; `--check` builds twice, at
//! two places, and compares.

mod binary;
mod bundle;
mod deb;
mod oci;
mod release;
mod sbom;
mod sums;

use crate::place;
use crate::program::{print, say};
use anyhow::{Context as _, Result, bail};
use release::Release;
use std::fs;
use std::path::{Path, PathBuf};

/// How it is called.
const USAGE: &str = "usage: cargo xtask dist [--out DIR] [--binary FILE] [--sign KEY] [--check]
  --out DIR      where the files go; default target/dist/out
  --binary FILE  package this binary instead of building one
  --sign KEY     sign the checksums with this OpenSSH key
  --check        build twice, at two places, and compare the binaries";

/// What was asked for.
#[derive(Debug, Default)]
struct Options {
    out: Option<PathBuf>,
    binary: Option<PathBuf>,
    sign: Option<PathBuf>,
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// A build fails, two builds differ, or a file cannot be written.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let path = match &options.binary {
        Some(path) => path.clone(),
        None => binary::build(&place::root(), "dist")?,
    };
    if options.check {
        binary::compare(&path)?;
    }
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    let release = Release::new(bytes)?;
    let out = options.out.unwrap_or_else(|| place::root().join("target/dist/out"));
    fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let names = write(&out, &release, &path)?;
    sums::write(&out, &names)?;
    if let Some(key) = &options.sign {
        sums::sign(&out, key)?;
    }
    for name in names {
        print(&out.join(name).display().to_string());
    }
    Ok(())
}

/// Writes every file, and gives back their names.
fn write(out: &Path, release: &Release, binary: &Path) -> Result<Vec<String>> {
    let sbom = sbom::document(release)?;
    let completions = binary::completions(binary)?;
    let stem = format!("casemate-{}-linux-{}", release.version, release.machine);
    let files = [
        (format!("{stem}.tar.gz"), bundle::tarball(release, &stem, &sbom, &completions)?),
        (release.deb_name(), deb::package(release, &sbom, &completions)?),
        (format!("{stem}.oci.tar"), oci::layout(release)?),
        (format!("{stem}.cdx.json"), sbom),
    ];
    let mut names = Vec::new();
    for (name, bytes) in files {
        say(&format!("dist: {name}, {} KiB", bytes.len() / 1024));
        fs::write(out.join(&name), bytes).with_context(|| name.clone())?;
        names.push(name);
    }
    Ok(names)
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().map(PathBuf::from).context(USAGE);
            match argument.as_str() {
                "--out" => options.out = Some(value()?),
                "--binary" => options.binary = Some(value()?),
                "--sign" => options.sign = Some(value()?),
                "--check" => options.check = true,
                other => bail!("`{other}` is not known\n{USAGE}"),
            }
        }
        Ok(options)
    }
}
