//! The static binary: built so that neither the machine's libraries nor its paths matter.

use super::release::sha256;
use crate::place;
use crate::program::{cargo, run, say, text_of};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Completion scripts, as the binary prints them.
pub(super) struct Completions {
    pub(super) bash: Vec<u8>,
    pub(super) zsh: Vec<u8>,
    pub(super) fish: Vec<u8>,
}

/// Asks the binary for its completion scripts.
pub(super) fn completions(binary: &Path) -> Result<Completions> {
    let of =
        |shell| text_of(Command::new(binary).args(["completions", shell])).map(String::into_bytes);
    Ok(Completions { bash: of("bash")?, zsh: of("zsh")?, fish: of("fish")? })
}

/// Link-time optimisation gives symbols of the program's own parts names with a number that depends
/// on where it was built, so released binaries have no symbols; nor have they the linker's digest of
/// all that it wrote, which would go with them.
const SAME_EVERYWHERE: [&str; 2] = ["-Cstrip=symbols", "-Clink-arg=-Wl,--build-id=none"];

/// Builds the sources at `root`; `purpose` names the target directory.
///
/// The C library is linked in, since a static glibc is on every machine that can build, while
/// Rust's musl target is not. What is lost is `dlopen`, which nothing here uses.
pub(super) fn build(root: &Path, purpose: &str) -> Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target = place::root().join("target").join(purpose);
    say(&format!("dist: building in {}, which takes some minutes", target.display()));
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let home = home.context("neither CARGO_HOME nor HOME is set")?;
    // The last one that fits is taken, and the target directory may lie below the sources.
    let maps = [
        (root.display().to_string(), "/casemate"),
        (target.display().to_string(), "/target"),
        (home, "/cargo"),
    ];
    let mut rust = vec!["-Ctarget-feature=+crt-static".to_owned()];
    rust.extend(maps.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")));
    let c: Vec<String> =
        maps.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).collect();
    let mut command = cargo();
    command
        .current_dir(root)
        .args(["rustc", "--release", "--locked", "-p", "casemate", "--bin", "casemate"])
        .args(["--target", &triple, "--"])
        .args(SAME_EVERYWHERE)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"))
        .env("CFLAGS", c.join(" "))
        .env("CARGO_INCREMENTAL", "0");
    run(&mut command)?;
    Ok(target.join(triple).join("release/casemate"))
}

/// Builds the same commit at another place, and compares it with what was built.
pub(super) fn compare(first: &Path) -> Result<()> {
    let copy = place::root().join("target/dist-check/source");
    let _absent = fs::remove_dir_all(&copy);
    let clone = [place::root().into_os_string(), copy.clone().into_os_string()];
    run(Command::new("git").args(["clone", "--quiet", "--no-hardlinks"]).args(&clone))?;
    let second = build(&copy, "dist-check/target")?;
    let digest = |path: &Path| Ok::<_, anyhow::Error>(sha256(&fs::read(path)?));
    let (one, two) = (digest(first)?, digest(&second)?);
    if one != two {
        bail!("two builds of one commit differ: {} and {}", first.display(), second.display());
    }
    say(&format!("dist: two builds at two places are the same, {one}"));
    Ok(())
}
