//! Interpreters: what of this machine can run a native function, and what of it a jail has to see.
//!
//! They are looked for in fixed directories, never in the `PATH` of whoever started the node; the
//! operator names others. Which version one is, its file's name or a file beside it says, or it is
//! asked; that is done by whoever may start programs.
//!
//! Invariant: a program that others than its owner may write to is no interpreter.

mod find;
mod kind;
mod needs;
mod npm;
mod releases;

pub use find::{Candidate, Configured, candidates};
pub use kind::Kind;
pub(crate) use needs::{Needs, shell};

use model::api;
use model::{Code, Problem};
use std::path::{Path, PathBuf};

/// An interpreter of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// What manifests call it, such as `python3.11`.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// What it is.
    pub kind: Kind,
    /// Its version, such as `3.11.2`; none if it could not be found out.
    pub version: Option<String>,
    /// Its program, by a path without links.
    pub path: PathBuf,
    /// What else of the machine the operator says that it needs.
    pub also: Vec<PathBuf>,
    /// Whether it is there and nobody else may write to it; if not, why.
    pub unfit: Option<String>,
}

impl Interpreter {
    /// Where its program is in a jail.
    pub(crate) fn program(&self) -> &Path {
        match self.kind {
            // It is all of itself, and so can stand anywhere.
            Kind::Workerd => Path::new("/usr/bin/workerd"),
            _ => &self.path,
        }
    }

    /// What a jail sees of the machine, for this interpreter to run in it.
    pub(crate) fn needs(&self) -> Needs {
        needs::of(self)
    }
}

/// The interpreters of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    interpreters: Vec<Interpreter>,
}

impl Table {
    /// Puts together what was found and what each answered when it was asked for its version.
    #[must_use]
    pub fn of(found: Vec<(Candidate, Option<String>)>) -> Self {
        let mut interpreters: Vec<Interpreter> = Vec::new();
        for (candidate, answer) in found {
            let interpreter = candidate.identified(answer.as_deref());
            // The first place wins, as in a `PATH`, and the operator's come before all.
            if !interpreters.iter().any(|known| known.name == interpreter.name) {
                interpreters.push(interpreter);
            }
        }
        interpreters.sort_by(|a, b| {
            let newest =
                kind::numbers(b.version.as_deref()).cmp(&kind::numbers(a.version.as_deref()));
            a.kind.cmp(&b.kind).then(newest).then_with(|| a.name.cmp(&b.name))
        });
        let mut before: Option<Kind> = None;
        for at in 0..interpreters.len() {
            let taken: Vec<String> = interpreters.iter().map(|known| known.name.clone()).collect();
            let Some(interpreter) = interpreters.get_mut(at) else { continue };
            let mut names = interpreter.kind.own_names(interpreter.version.as_deref());
            if before != Some(interpreter.kind) && interpreter.unfit.is_none() {
                names.extend(interpreter.kind.general_names().iter().map(ToString::to_string));
                before = Some(interpreter.kind);
            }
            names.retain(|name| !taken.contains(name));
            interpreter.aliases = names;
        }
        Self { interpreters }
    }

    /// All of them: by kind, the newest first.
    #[must_use]
    pub fn all(&self) -> &[Interpreter] {
        &self.interpreters
    }

    /// The one that a manifest means.
    ///
    /// # Errors
    /// E1320 with what to install and with what there is, E1321 if it cannot be used.
    pub fn find(&self, name: &str) -> Result<&Interpreter, Problem> {
        let meant = |known: &&Interpreter| {
            known.name == name || known.aliases.iter().any(|alias| alias == name)
        };
        let Some(interpreter) = self.interpreters.iter().find(meant) else {
            return Err(self.missing(name));
        };
        match &interpreter.unfit {
            None => Ok(interpreter),
            Some(why) => {
                let why = format!("`{name}`: {}: {why}", interpreter.path.display());
                Err(Problem::new(Code::InterpreterUnusable).detail(why))
            }
        }
    }

    fn missing(&self, name: &str) -> Problem {
        let names: Vec<String> =
            self.interpreters.iter().map(|known| format!("`{}`", known.name)).collect();
        let there = match names.as_slice() {
            [] => "there is none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        let install = Kind::of_name(name).installing(name);
        Problem::new(Code::InterpreterMissing)
            .detail(format!("there is no `{name}` on this machine; {there}"))
            .hint(format!(
                "{install}, or name it in the node's configuration: `[native.interpreter.\"{name}\"]` with `executable = \"/its/path\"`"
            ))
    }

    /// As `casemate runtimes` lists them, on a day written YYYY-MM-DD.
    #[must_use]
    pub fn rows(&self, today: &str) -> Vec<api::Interpreter> {
        self.interpreters.iter().map(|interpreter| row(interpreter, today)).collect()
    }
}

fn row(interpreter: &Interpreter, today: &str) -> api::Interpreter {
    let release = releases::of(interpreter.kind, interpreter.version.as_deref());
    let past = release.filter(|release| release.end_of_life < today);
    let past = past.map(|release| {
        format!("its makers have mended nothing in it since {}", release.end_of_life)
    });
    api::Interpreter {
        name: interpreter.name.clone(),
        aliases: interpreter.aliases.clone(),
        version: interpreter.version.clone(),
        path: interpreter.path.display().to_string(),
        end_of_life: release.map(|release| release.end_of_life.to_owned()),
        newest: release.and_then(|release| release.newest).map(str::to_owned),
        warning: interpreter.unfit.clone().or(past),
    }
}

#[cfg(test)]
mod tests;
