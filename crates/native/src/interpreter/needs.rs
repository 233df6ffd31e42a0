//! What of the machine a jail sees for an interpreter: its own files, shared libraries, certificates
//! and time zones, and nothing that says anything about this machine.
//!
//! Everything lies in the jail where it lies on the machine, and is read-only there. Packages of the
//! system's own, such as Debian's `dist-packages`, are left out: a function brings what it imports.

use super::{Interpreter, Kind};
use crate::jail::Bind;
use std::fs;
use std::path::{Path, PathBuf};

/// What a jail sees of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Files and directories.
    pub(crate) binds: Vec<Bind>,
    /// Symbolic links: where, and what they say.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
}

impl Needs {
    /// A shell and its tools beside it.
    pub(crate) fn and_shell(mut self) -> Self {
        for name in SHELL {
            self.add(Path::new("/usr/bin").join(name));
        }
        self.add(ENV);
        self
    }
}

/// Directories of shared libraries, and files that the loader reads.
const LIBRARIES: &[&str] = &[
    #[cfg(target_arch = "x86_64")]
    "/usr/lib/x86_64-linux-gnu",
    #[cfg(target_arch = "aarch64")]
    "/usr/lib/aarch64-linux-gnu",
    #[cfg(target_arch = "aarch64")]
    "/usr/lib/ld-linux-aarch64.so.1",
    "/usr/lib64",
    "/etc/ld.so.cache",
    "/usr/lib/locale",
];
/// The loader of systems with musl, whose libraries lie in `/lib` and `/usr/lib` themselves.
const MUSL: &str = if cfg!(target_arch = "aarch64") {
    "/lib/ld-musl-aarch64.so.1"
} else {
    "/lib/ld-musl-x86_64.so.1"
};
/// How OpenSSL is set up. The certificates themselves are files of each jail's own.
const CERTIFICATES: &[&str] =
    &["/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"];
const ZONES: &str = "/usr/share/zoneinfo";
/// What stands at the root as a link where everything lies below `/usr`.
const ROOTS: &[&str] = &["/bin", "/sbin", "/lib", "/lib64"];
/// What starts scripts whose first line asks for it.
const ENV: &str = "/usr/bin/env";

/// What scripts expect that a package brings as its own program, as Lambda's `provided` has it.
const SHELL: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "awk",
    "base64",
    "basename",
    "cat",
    "chmod",
    "cp",
    "curl",
    "cut",
    "date",
    "dirname",
    "echo",
    "expr",
    "false",
    "find",
    "grep",
    "gzip",
    "head",
    "id",
    "jq",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "od",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "uname",
    "uniq",
    "wc",
    "xargs",
];

impl Needs {
    /// Adds what is there.
    fn add(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let covered = |bind: &Bind| path.starts_with(&bind.target);
        if path.exists() && !self.binds.iter().any(covered) {
            self.binds.retain(|bind| !bind.target.starts_with(path));
            self.binds.push(Bind { source: path.to_owned(), target: path.to_owned() });
        }
    }

    fn link(&mut self, at: PathBuf, to: PathBuf) {
        let covered = |bind: &Bind| at.starts_with(&bind.target);
        if !self.binds.iter().any(covered) && !self.links.iter().any(|(known, _)| *known == at) {
            self.links.push((at, to));
        }
    }
}

/// What every program may need that brings no libraries of its own.
pub(crate) fn base() -> Needs {
    let mut needs = Needs::default();
    for root in ROOTS {
        if let Ok(target) = fs::read_link(root) {
            needs.links.push((PathBuf::from(root), target));
        } else if *root == "/lib64" || (*root == "/lib" && Path::new(MUSL).exists()) {
            needs.add(root);
        }
    }
    if Path::new(MUSL).exists() {
        needs.add("/usr/lib");
    }
    for path in LIBRARIES.iter().chain(CERTIFICATES) {
        needs.add(path);
    }
    needs.add(ZONES);
    needs
}

/// A shell and its tools beside that: for programs that are scripts.
pub(crate) fn shell() -> Needs {
    base().and_shell()
}

/// What an interpreter needs.
pub(super) fn of(interpreter: &Interpreter) -> Needs {
    let mut needs = base();
    needs.add(ENV);
    if interpreter.program() == interpreter.path {
        needs.add(&interpreter.path);
    } else {
        let (source, target) = (interpreter.path.clone(), interpreter.program().to_owned());
        needs.binds.push(Bind { source, target });
    }
    let version = interpreter.version.as_deref().unwrap_or_default();
    let line = interpreter.kind.line(version);
    let home = interpreter.path.parent().and_then(Path::parent).unwrap_or(Path::new("/usr"));
    let is_system = home == Path::new("/usr");
    match interpreter.kind {
        Kind::Python => {
            needs.add(home.join(format!("lib/python{line}")));
            needs.add(home.join(format!("lib64/python{line}")));
            needs.add(format!("/etc/python{line}"));
            if !is_system {
                library(&mut needs, &home.join("lib"), "libpython");
            }
        }
        Kind::Node => {
            if is_system {
                needs.add("/usr/share/nodejs");
            } else {
                library(&mut needs, &home.join("lib"), "libnode");
            }
        }
        Kind::Java => {
            needs.add(home);
            // Where Debian keeps what of a Java home may be configured.
            needs.add(format!("/etc/java-{line}-openjdk"));
        }
        Kind::Php => {
            needs.add(home.join("lib/php"));
            needs.add(if is_system {
                PathBuf::from(format!("/etc/php/{line}"))
            } else {
                home.join("etc")
            });
        }
        Kind::Ruby => {
            needs.add(home.join("lib/ruby"));
            needs.add("/usr/share/rubygems-integration");
        }
        Kind::Dotnet => {
            needs.add(interpreter.path.parent().unwrap_or(home));
            needs.add("/etc/dotnet");
        }
        Kind::Workerd | Kind::Other => {}
    }
    for path in &interpreter.also {
        needs.add(path);
    }
    for name in interpreter.aliases.iter().chain([&interpreter.name]) {
        needs.link(Path::new("/usr/bin").join(name), interpreter.program().to_owned());
    }
    needs
}

/// Adds a directory's shared libraries of one name.
fn library(needs: &mut Needs, directory: &Path, name: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let file = entry.file_name();
        if file.to_str().is_some_and(|file| file.starts_with(name) && file.contains(".so")) {
            needs.add(entry.path());
        }
    }
}
