//! Finds what can compile Rust to a component here: rustup's target, or Debian's packages.
//!
//! Invariant: what a toolchain is called says all that its output depends on besides the sources.

use super::{Places, say};
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's packages: a compiler with the sources of its standard library, and a linker.
const PACKAGES: &[&str] = &["rustc-web", "rust-web-src", "cargo-web", "lld-19"];
/// Debian's linker for WebAssembly.
const LINKER: &str = "/usr/bin/wasm-ld-19";
/// Variables that would change what is built, or that belong to the cargo that runs us.
const FOREIGN_VARIABLES: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "LD_LIBRARY_PATH",
];

/// One way to compile Rust to WebAssembly.
pub(super) struct Toolchain {
    /// What it is called in the lock file.
    pub(super) name: String,
    kind: Kind,
}

enum Kind {
    /// rustup's `wasm32-wasip2`.
    Rustup,
    /// Debian's compiler, which builds the standard library for `wasm32-unknown-unknown`.
    Debian { library: PathBuf },
}

impl Toolchain {
    /// Finds a toolchain, and installs Debian's where that is possible.
    pub(super) fn find(places: &Places) -> Result<Self> {
        if let Some(found) = rustup(places)? {
            return Ok(found);
        }
        if let Some(found) = debian(places)? {
            return Ok(found);
        }
        install(PACKAGES).context(
            "components cannot be compiled here: run `rustup target add wasm32-wasip2`, or on \
             Debian install rustc-web, rust-web-src, cargo-web and lld-19",
        )?;
        debian(places)?.context("Debian's packages are installed, and their compiler is not there")
    }

    /// The triple that is compiled for.
    pub(super) fn triple(&self) -> &'static str {
        match self.kind {
            Kind::Rustup => "wasm32-wasip2",
            Kind::Debian { .. } => "wasm32-unknown-unknown",
        }
    }

    /// A `cargo build` with this toolchain.
    pub(super) fn cargo_plain(&self) -> Command {
        let program = match &self.kind {
            Kind::Rustup => "cargo",
            Kind::Debian { .. } => "/usr/bin/cargo",
        };
        let mut command = Command::new(program);
        for name in FOREIGN_VARIABLES {
            command.env_remove(name);
        }
        command.args(["build", "--release", "--target", self.triple()]);
        if let Kind::Debian { library } = &self.kind {
            command.args(["-Zbuild-std=std,panic_abort", "--config"]);
            command.arg(format!("target.wasm32-unknown-unknown.linker=\"{LINKER}\""));
            command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
            command.env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
        command
    }

    /// A `cargo build` that gives the same bytes wherever the repository and cargo's home lie.
    pub(super) fn cargo_build(&self, places: &Places, workspace: &Path) -> Command {
        let mut command = self.cargo_plain();
        command.arg("--locked");
        let mut maps = vec![(places.root.clone(), "/casemate"), (cargo_home(), "/cargo")];
        maps.extend(registries().into_iter().map(|path| (path, "/cargo/registry")));
        if let Kind::Debian { library } = &self.kind {
            maps.push((library.clone(), "/rust/library"));
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags(&maps));
        command.env("CARGO_TARGET_DIR", places.work.join("build"));
        command.env("SOURCE_DATE_EPOCH", "0");
        command.current_dir(workspace);
        command
    }
}

/// Compiler flags that take local paths out of what is built.
fn flags(maps: &[(PathBuf, &str)]) -> OsString {
    let mut flags = OsString::new();
    for (from, to) in maps {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push(format!("={to}"));
    }
    flags
}

/// Where cargo keeps the sources of dependencies.
fn cargo_home() -> PathBuf {
    let given = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = || std::env::home_dir().unwrap_or_default().join(".cargo");
    given.filter(|path| path.is_absolute()).unwrap_or_else(home)
}

/// Directories that are named after the address of a registry, which may be a mirror's.
fn registries() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cargo_home().join("registry/src"));
    let mut paths: Vec<PathBuf> =
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn rustup(places: &Places) -> Result<Option<Toolchain>> {
    let Some(sysroot) = line_of(Command::new("rustc").args(["--print", "sysroot"]), places) else {
        return Ok(None);
    };
    if !Path::new(&sysroot).join("lib/rustlib/wasm32-wasip2/lib").is_dir() {
        return Ok(None);
    }
    let version =
        line_of(Command::new("rustc").arg("-V"), places).context("rustc has no version")?;
    let name = format!("{version}; wasm32-wasip2; {}", encoder(places)?);
    Ok(Some(Toolchain { name, kind: Kind::Rustup }))
}

fn debian(places: &Places) -> Result<Option<Toolchain>> {
    let version = line_of(Command::new("/usr/bin/rustc").arg("-V"), places);
    let linker = line_of(Command::new(LINKER).arg("--version"), places);
    let (Some(version), Some(linker)) = (version, linker) else { return Ok(None) };
    let Some(number) = version.split(' ').nth(1) else { return Ok(None) };
    let library = PathBuf::from(format!("/usr/src/rustc-{number}/library"));
    if !library.join("std").is_dir() || !Path::new("/usr/bin/cargo").exists() {
        return Ok(None);
    }
    let name = format!("{version}; wasm32-unknown-unknown; {linker}; {}", encoder(places)?);
    Ok(Some(Toolchain { name, kind: Kind::Debian { library } }))
}

/// The version of the crate that makes components of modules, from the repository's lock file, and
/// the machine: a compiler is not promised to give the same bytes on another one.
fn encoder(places: &Places) -> Result<String> {
    let lock = String::from_utf8(super::read(&places.root.join("Cargo.lock"))?)?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wit-component\"");
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
    let version = version.context("Cargo.lock names no wit-component")?;
    Ok(format!("wit-component {version}; on {}", std::env::consts::ARCH))
}

/// The first line that a program prints, if it can be run and succeeds.
fn line_of(command: &mut Command, places: &Places) -> Option<String> {
    let output = command.env_remove("LD_LIBRARY_PATH").current_dir(&places.root).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Installs Debian packages, where this is Debian and we are root.
///
/// # Errors
/// It is not, or we are not, or apt-get failed.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    if !Path::new("/etc/debian_version").exists() {
        bail!("this is not Debian");
    }
    if std::fs::metadata("/proc/self").context("no /proc")?.uid() != 0 {
        bail!("packages can be installed by root only");
    }
    say(&format!("installing {}", packages.join(", ")));
    let update = Command::new("apt-get").args(["update", "-q"]).output();
    // An old list may still do; the installation says if it does not.
    drop(update);
    let mut install = Command::new("apt-get");
    install.args(["install", "-q", "-y", "--no-install-recommends"]).args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"), "apt-get install")
}

/// Runs a program to its end, and shows what it said only if it failed.
pub(super) fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {what}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    bail!("{what} failed ({}):\n{}", output.status, String::from_utf8_lossy(&text).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_local_path_is_taken_out() {
        let flags = flags(&[("/home/a".into(), "/casemate"), ("/b".into(), "/cargo")]);
        let expect = "--remap-path-prefix=/home/a=/casemate\u{1f}--remap-path-prefix=/b=/cargo";
        assert_eq!(flags, OsString::from(expect));
    }
}
