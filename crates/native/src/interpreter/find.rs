//! Where interpreters lie on a machine, and those that the operator named.

use super::Interpreter;
use super::kind::{Kind, version_in};
use super::npm;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where programs lie, the first first.
const PROGRAMS: [&str; 2] = ["usr/local/bin", "usr/bin"];
/// Where Java's machines lie: each a directory.
const JAVA: [&str; 2] = ["usr/lib/jvm", "opt/java"];
/// Where .NET lies.
const DOTNET: [&str; 4] =
    ["usr/lib/dotnet", "usr/share/dotnet", "usr/lib64/dotnet", "usr/local/share/dotnet"];

/// An interpreter as the operator's configuration names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// Its program; where it is usually found if that is not said.
    pub executable: Option<PathBuf>,
    /// What else of the machine it needs: files and directories.
    pub also: Vec<PathBuf>,
}

/// A program that may be an interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
    /// What the operator calls it.
    name: Option<String>,
    also: Vec<PathBuf>,
    /// As far as the files say it.
    version: Option<String>,
}

impl Candidate {
    fn new(kind: Kind, path: PathBuf, version: Option<String>) -> Self {
        Self { kind, path, name: None, also: Vec::new(), version }
    }

    /// What to ask it for its whole version; none if that is known.
    #[must_use]
    pub fn question(&self) -> Option<&'static str> {
        let whole = self.version.as_ref().is_some_and(|version| version.matches('.').count() > 1);
        let known =
            whole || matches!(self.kind, Kind::Java | Kind::Dotnet) || self.unfit().is_some();
        (!known).then_some("--version")
    }

    /// Why it may not be run, if so.
    fn unfit(&self) -> Option<String> {
        let meta = match fs::metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) => return Some(error.to_string()),
        };
        if !meta.is_file() || meta.permissions().mode() & 0o111 == 0 {
            return Some("it is no program".to_owned());
        }
        let open = meta.permissions().mode() & 0o002 != 0;
        open.then(|| "everybody on this machine may write to it".to_owned())
    }

    pub(super) fn identified(self, answer: Option<&str>) -> Interpreter {
        let kind = self.kind;
        let version =
            answer.and_then(|said| kind.version_in(said)).or_else(|| self.version.clone());
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.kind.name(version.as_deref()),
        };
        let unfit = self.unfit();
        let path = self.path.canonicalize().unwrap_or(self.path);
        let (kind, also) = (self.kind, self.also);
        Interpreter { name, aliases: Vec::new(), kind, version, path, also, unfit }
    }
}

/// What may be an interpreter on a machine whose files lie below `root`: first what the operator
/// named, then what lies where interpreters lie.
#[must_use]
pub fn candidates(root: &Path, configured: &BTreeMap<String, Configured>) -> Vec<Candidate> {
    let mut found = lying(root);
    let mut all = Vec::new();
    for (name, section) in configured {
        let kind = Kind::of_name(name);
        match &section.executable {
            Some(path) => all.push(Candidate {
                name: Some(name.clone()),
                also: section.also.clone(),
                ..Candidate::new(kind, path.clone(), None)
            }),
            // More for all of the kind that the name means: `[native.interpreter.python3.11]`.
            None => {
                let meant = |one: &&mut Candidate| {
                    let own = one.version.as_deref().map(|version| one.kind.name(Some(version)));
                    one.kind == kind
                        && (own.as_ref() == Some(name)
                            || kind.general_names().contains(&name.as_str()))
                };
                found
                    .iter_mut()
                    .filter(meant)
                    .for_each(|one| one.also.extend(section.also.clone()));
            }
        }
    }
    all.extend(found);
    all
}

fn lying(root: &Path) -> Vec<Candidate> {
    let mut found = Vec::new();
    for directory in PROGRAMS {
        for (name, path) in entries(&root.join(directory)) {
            found.extend(program(&name, path));
        }
    }
    for directory in JAVA {
        let mut homes: Vec<PathBuf> = entries(&root.join(directory))
            .into_iter()
            .filter_map(|(_, path)| path.canonicalize().ok())
            .collect();
        homes.sort();
        homes.dedup();
        for home in homes {
            let program = home.join("bin/java");
            if program.is_file() {
                found.push(Candidate::new(Kind::Java, program, release_of(&home)));
            }
        }
    }
    for directory in DOTNET.map(|directory| root.join(directory)) {
        let newest = entries(&directory.join("shared/Microsoft.NETCore.App"));
        let newest = newest.into_iter().map(|(name, _)| name);
        let newest = newest.max_by_key(|name| super::kind::numbers(Some(name)));
        if let Some(version) = newest
            && directory.join("dotnet").is_file()
        {
            found.push(Candidate::new(Kind::Dotnet, directory.join("dotnet"), Some(version)));
        }
    }
    found
}

/// What a program is by its file's name.
fn program(name: &str, path: PathBuf) -> Option<Candidate> {
    let line = |word: &str| {
        let line = name.strip_prefix(word)?;
        let (major, minor) = line.split_once('.')?;
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (number(major) && number(minor)).then(|| line.to_owned())
    };
    let (kind, version) = if name == "node" {
        (Kind::Node, None)
    } else if let Some(line) = line("python") {
        (Kind::Python, Some(line))
    } else if let Some(line) = line("php") {
        (Kind::Php, Some(line))
    } else if let Some(line) = line("ruby") {
        (Kind::Ruby, Some(line))
    } else if name == "workerd" {
        let program = npm::program_of(&path).unwrap_or(path);
        return program.is_file().then(|| Candidate::new(Kind::Workerd, program, None));
    } else {
        return None;
    };
    path.is_file().then(|| Candidate::new(kind, path, version))
}

/// The version that a Java home says of itself, in its file `release`.
fn release_of(home: &Path) -> Option<String> {
    let text = fs::read_to_string(home.join("release")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    version_in(line)
}

/// What lies in a directory, in the order of its names; nothing if it cannot be read.
fn entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let named = |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    let mut all: Vec<_> = entries.flatten().filter_map(named).collect();
    all.sort();
    all
}
