//! What is said of an import: what each function became, what it was over-granted, what is left out.

use super::Format;
use super::draft::Noted;
use crate::voice::{Tone, Voice, safe};
use model::manifest::Contract;
use serde::Serialize;

/// All that there is to say.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) format: Format,
    pub(crate) file: String,
    pub(crate) application: String,
    pub(crate) functions: Vec<Became>,
    /// What functions may do there beyond anything that was named.
    pub(crate) over_granted: Vec<Noted>,
    /// What is not in the manifest.
    pub(crate) left_out: Vec<Noted>,
    /// What is otherwise, or has to be done.
    pub(crate) notes: Vec<Noted>,
    /// Secrets that have to be set before a deployment.
    pub(crate) secrets: Vec<Asked>,
}

/// What a function became.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Became {
    pub(crate) name: String,
    /// Its name where it comes from.
    pub(crate) was: String,
    pub(crate) place: String,
    pub(crate) contract: Contract,
    pub(crate) source: String,
    /// What brings what it depends on, run by `casemate build` with the rights of whoever types it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<String>,
    /// What of the project its package is made of.
    #[serde(skip)]
    pub(crate) paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interpreter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) handler: Option<String>,
    pub(crate) routes: Vec<String>,
    /// What it asks for in the place of what it was granted.
    pub(crate) asks: Vec<String>,
}

/// A secret that a function reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Asked {
    pub(crate) secret: String,
    /// The variable that it was.
    pub(crate) variable: String,
    pub(crate) functions: Vec<String>,
    /// What sets it.
    pub(crate) command: String,
}

impl Report {
    /// Where the code lies.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.functions.iter().flat_map(|it| &it.paths).map(String::as_str).collect()
    }

    /// Prints it for people.
    pub(crate) fn print(&self, voice: &Voice) -> anyhow::Result<()> {
        let count = self.functions.len();
        voice.line(format_args!(
            "{} ({}) became the application `{}` with {count} function(s)",
            safe(&self.file),
            self.format.word(),
            self.application,
        ))?;
        for function in &self.functions {
            voice.line("")?;
            self.function(voice, function)?;
        }
        let known = |noted: &&Noted| {
            !self.functions.iter().any(|it| noted.function.as_ref() == Some(&it.was))
        };
        let rest: Vec<&Noted> = self.left_out.iter().filter(known).collect();
        if !rest.is_empty() {
            voice.line("\nnot in the manifest:")?;
        }
        rest.into_iter().try_for_each(|noted| line(voice, "-", noted, true))?;
        let notes: Vec<&Noted> =
            self.notes.iter().chain(&self.over_granted).filter(known).collect();
        if !notes.is_empty() {
            voice.line("\nand:")?;
        }
        notes.into_iter().try_for_each(|noted| line(voice, "-", noted, true))?;
        if !self.secrets.is_empty() {
            voice.line("\nset before you deploy, with a value that you made anew:")?;
        }
        for asked in &self.secrets {
            let functions = asked.functions.join(", ");
            let command = &asked.command;
            voice
                .line(format_args!("  {command}    # {} of {functions}", safe(&asked.variable)))?;
        }
        Ok(())
    }

    fn function(&self, voice: &Voice, function: &Became) -> anyhow::Result<()> {
        let Became { name, was, place, contract, source, .. } = function;
        let was = if was == name { String::new() } else { format!(", which was `{}`", safe(was)) };
        voice.line(format_args!("{name}{was} ({})", safe(place)))?;
        let how: Vec<&str> = [&function.interpreter, &function.handler]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let with = if how.is_empty() { String::new() } else { format!(" with {}", how.join(" ")) };
        voice.line(format_args!(
            "  runs          {}{} of {}",
            contract.word(),
            safe(&with),
            safe(source)
        ))?;
        for route in &function.routes {
            voice.line(format_args!("  answers       {}", safe(route)))?;
        }
        let of = |noted: &&Noted| noted.function.as_ref() == Some(&function.was);
        if let Some(build) = &function.build {
            voice.line(format_args!("  built by      {}", safe(build)))?;
        }
        let warn = voice.paint(Tone::Warn, "over-granted");
        self.over_granted.iter().filter(of).try_for_each(|it| line(voice, &warn, it, false))?;
        for ask in &function.asks {
            voice.line(format_args!("  instead       {}", safe(ask)))?;
        }
        self.left_out.iter().filter(of).try_for_each(|it| line(voice, "left out", it, false))?;
        self.notes.iter().filter(of).try_for_each(|it| line(voice, "note", it, false))
    }
}

fn line(voice: &Voice, word: &str, noted: &Noted, with_function: bool) -> anyhow::Result<()> {
    let Noted { place, function, what } = noted;
    let function = function.as_ref().filter(|_| with_function);
    let function = function.map(|name| format!("`{name}`: ")).unwrap_or_default();
    voice.line(format_args!("  {word:<12}  {}: {}{}", safe(place), safe(&function), safe(what)))
}
