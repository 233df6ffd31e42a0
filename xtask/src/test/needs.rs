//! What the test needs from the machine: installed on Debian as root, named elsewhere.

use crate::program::{run, say, text_of, works};
use anyhow::{Result, bail};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// Something that has to be there.
struct Need {
    /// What it is.
    what: &'static str,
    /// Whether it is there.
    there: fn() -> bool,
    /// Debian's packages that bring it; none if it is no package.
    packages: &'static [&'static str],
    /// How to get it elsewhere.
    advice: &'static str,
    /// Whether only guests made by other languages' tools need it.
    foreign: bool,
}

/// Everything, in the order in which it is used.
const NEEDS: &[Need] = &[
    Need {
        what: "rustfmt",
        there: || works("cargo", &["fmt", "--version"]),
        packages: &[],
        advice: "rustup component add rustfmt",
        foreign: false,
    },
    Need {
        what: "clippy",
        there: || works("cargo", &["clippy", "--version"]),
        packages: &[],
        advice: "rustup component add clippy",
        foreign: false,
    },
    Need {
        what: "a C compiler",
        there: || works("cc", &["--version"]) && Path::new("/usr/include/stdio.h").exists(),
        packages: &["gcc", "libc6-dev", "make"],
        advice: "install gcc and the headers of libc",
        foreign: false,
    },
    Need {
        what: "ssh-keygen",
        there: || Path::new("/usr/bin/ssh-keygen").exists(),
        packages: &["openssh-client"],
        advice: "install OpenSSH's client",
        foreign: false,
    },
    Need {
        what: "jq",
        there: || works("jq", &["--version"]),
        packages: &["jq"],
        advice: "install jq",
        foreign: false,
    },
    Need {
        what: "strace",
        there: || works("strace", &["--version"]),
        packages: &["strace"],
        advice: "install strace",
        foreign: false,
    },
    Need {
        what: "certificates",
        there: || Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
        packages: &["ca-certificates"],
        advice: "install ca-certificates",
        foreign: true,
    },
    Need {
        what: "a Rust toolchain for WebAssembly",
        there: || has_rustup_target() || has_debian_toolchain(),
        packages: &["rustc-web", "rust-web-src", "cargo-web", "lld-19"],
        advice: "rustup target add wasm32-wasip2",
        foreign: false,
    },
    Need {
        what: "pebble, the ACME server for tests",
        there: || {
            let there = |path: &str| Path::new(path).exists();
            there("/usr/bin/pebble") && there("/usr/bin/pebble-challtestsrv")
        },
        packages: &["pebble"],
        advice: "install the package `pebble` of Debian",
        foreign: false,
    },
    Need {
        what: "curl",
        there: || works("curl", &["--version"]),
        packages: &["curl"],
        advice: "install curl",
        foreign: false,
    },
    Need {
        what: "Node with npm",
        there: || works("node", &["--version"]) && works("npm", &["--version"]),
        packages: &["nodejs", "npm"],
        advice: "install Node 20 or newer with npm",
        foreign: false,
    },
    Need {
        what: "openssl",
        there: || works("openssl", &["version"]),
        packages: &["openssl"],
        advice: "install openssl",
        foreign: false,
    },
    Need {
        what: "a JDK",
        there: || works("javac", &["-version"]),
        packages: &["default-jdk-headless"],
        advice: "install a JDK of Java 17 or newer",
        foreign: false,
    },
    Need {
        what: "Go",
        there: || works("go", &["version"]),
        packages: &["golang-go"],
        advice: "install Go 1.19 or newer",
        foreign: false,
    },
    Need {
        what: "a C++ compiler, CMake and the autotools, for AWS Lambda's client in Node",
        there: || {
            let tools = ["c++", "cmake", "autoreconf", "libtoolize"];
            tools.iter().all(|tool| works(tool, &["--version"]))
        },
        packages: &["g++", "cmake", "autoconf", "automake", "libtool"],
        advice: "install g++, cmake, autoconf, automake and libtool",
        foreign: false,
    },
    Need {
        what: "Python with venv and pip",
        there: || works("python3", &["-c", "import venv, ensurepip"]),
        packages: &["python3", "python3-venv", "python3-pip"],
        advice: "install Python 3 with venv and pip",
        foreign: false,
    },
    Need {
        what: "PostgreSQL's server",
        there: || {
            let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            let mut programs = versions.map(|version| version.path().join("bin/initdb"));
            programs.any(|path| path.exists())
        },
        packages: &["postgresql"],
        advice: "install PostgreSQL where Debian has it, below /usr/lib/postgresql",
        foreign: false,
    },
    Need {
        what: "Redis' server",
        there: || works("redis-server", &["--version"]),
        packages: &["redis-server"],
        advice: "install Redis 6.2 or newer",
        foreign: false,
    },
    Need {
        what: "NATS' server",
        there: || works("nats-server", &["--version"]),
        packages: &["nats-server"],
        advice: "install nats-server 2.9 or newer",
        foreign: false,
    },
    Need {
        what: "umoci, which makes images",
        there: || works("umoci", &["--version"]),
        packages: &["umoci"],
        advice: "install umoci",
        foreign: false,
    },
    Need {
        what: "PHP for the command line",
        there: || works("php", &["--version"]),
        packages: &["php-cli"],
        advice: "install PHP 8's command line",
        foreign: false,
    },
];

/// Makes sure that everything is there.
///
/// # Errors
/// Something is missing and cannot be installed here.
pub(super) fn check(foreign: bool) -> Result<()> {
    let missing = missing(foreign);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if can_install() && !packages.is_empty() {
        install(&packages)?;
    }
    refuse(&self::missing(foreign))
}

fn missing(foreign: bool) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| (foreign || !need.foreign) && !(need.there)()).collect()
}

/// One line that names all that is missing.
fn refuse(missing: &[&Need]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> =
        missing.iter().map(|need| format!("{} ({})", need.what, need.advice)).collect();
    bail!("missing: {}", list.join("; "))
}

/// Whether this is Debian and we are root.
fn can_install() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    root && Path::new("/etc/debian_version").exists()
}

fn install(packages: &[&str]) -> Result<()> {
    say(&format!("needs: installing {}", packages.join(" ")));
    // An old list may still do; the installation says if it does not.
    let _updated = works("apt-get", &["update", "-q"]);
    let mut apt = Command::new("apt-get");
    apt.args(["install", "-q", "-y", "--no-install-recommends"]).args(packages);
    run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn has_rustup_target() -> bool {
    let sysroot = text_of(Command::new("rustc").args(["--print", "sysroot"]));
    sysroot.is_ok_and(|path| Path::new(path.trim()).join("lib/rustlib/wasm32-wasip2/lib").is_dir())
}

fn has_debian_toolchain() -> bool {
    let there = |path: &str| Path::new(path).exists();
    let sources = std::fs::read_dir("/usr/src").into_iter().flatten().flatten();
    let mut sources = sources.map(|entry| entry.path().join("library/std"));
    there("/usr/bin/cargo") && there("/usr/bin/wasm-ld-19") && sources.any(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_in_one_line() {
        let need =
            |what, advice| Need { what, there: || false, packages: &[], advice, foreign: false };
        let (a, b) = (need("a", "get a"), need("b", "get b"));
        let text = refuse(&[&a, &b]).expect_err("missing").to_string();
        assert_eq!(text, "missing: a (get a); b (get b)");
        assert!(refuse(&[]).is_ok());
    }
}
