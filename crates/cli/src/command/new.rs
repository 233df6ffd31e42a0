//! `casemate new`: a project to begin with.

use crate::context::Context;
use crate::shell::{program, quoted};
use crate::template::Template;
use crate::voice::{Voice, safe};
use anyhow::Context as _;
use clap::Args;
use model::{ApplicationName, Code, Problem};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate new hello -t http-rust               into the directory hello
  casemate new hello -t http-js --dir web/api   into another one
  casemate new hello -t http-python
  casemate new hello -t lambda-python           a function of AWS Lambda's
  casemate new hello -t express                 a web server

Nothing that is there is ever overwritten, and nothing is downloaded: the language's own tools do
that, when you build.";

/// Write a new project to begin with
///
/// A project has a manifest, a function, an example that `casemate test` runs, a README whose
/// commands work as they stand, and a recipe for a CI. `casemate watch` in it builds the function,
/// runs it on a node of your own, and follows your changes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct New {
    /// What the project, its application and its function are called
    #[arg(value_name = "NAME")]
    name: String,
    /// What to begin with
    #[arg(short, long, value_enum)]
    template: Template,
    /// Where to write it [default: a directory with the project's name]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl New {
    /// Writes the project, and says what to type next.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let name = self.checked_name()?;
        let directory = self.dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
        refuse_occupied(&directory)?;
        let files: Vec<(&str, String)> = self.template.files(&name).collect();
        write(&directory, &files)?;
        say(&context.voice, self.template, &directory, &files)
    }

    fn checked_name(&self) -> Result<ApplicationName, Problem> {
        let refuse = |why: String| Err(Problem::new(Code::BadName).detail(why));
        match ApplicationName::parse(&self.name) {
            Ok(name) if self.template.refuses(name.as_str()) => {
                refuse(format!("the language keeps the name `{name}` for itself"))
            }
            Ok(name) => Ok(name),
            Err(error) => refuse(error.to_string()),
        }
        .map_err(|problem| {
            problem.hint(format!(
                "choose another, such as `casemate new {} -t {}`",
                suggestion(&self.name),
                self.template.name()
            ))
        })
    }
}

/// A name near the one that was wanted, which is allowed.
fn suggestion(wanted: &str) -> String {
    let lower = wanted.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .collect();
    let name: String = words.join("-").chars().take(40).collect();
    match name.trim_matches('-') {
        "" => "my-function".to_owned(),
        name if name != wanted && ApplicationName::parse(name).is_ok() => name.to_owned(),
        name => format!("my-{name}"),
    }
}

/// Refuses a place where something is.
fn refuse_occupied(directory: &Path) -> Result<(), Problem> {
    let occupied = |what: &str| {
        let detail = format!("`{}` {what}", directory.display());
        Err(Problem::new(Code::ProjectExists).detail(detail))
    };
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => occupied("is not empty"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => occupied("is no directory"),
        Err(error) => occupied(&format!("cannot be read: {error}")),
    }
}

/// Writes all files, or takes back those that were written.
fn write(directory: &Path, files: &[(&str, String)]) -> anyhow::Result<()> {
    let existed = directory.exists();
    let mut written = Vec::new();
    let done = files.iter().try_for_each(|(path, text)| {
        let path = directory.join(path);
        create(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path);
        anyhow::Ok(())
    });
    if done.is_err() {
        // Only what this run made is taken back; a directory goes only if it is empty.
        for path in &written {
            let _best_effort = fs::remove_file(path);
            for parent in path.ancestors().skip(1).take_while(|parent| *parent != directory) {
                let _best_effort = fs::remove_dir(parent);
            }
        }
        if !existed {
            let _best_effort = fs::remove_dir(directory);
        }
    }
    done
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn say(
    voice: &Voice,
    template: Template,
    directory: &Path,
    files: &[(&str, String)],
) -> anyhow::Result<()> {
    let shown = directory.display().to_string();
    let next = [format!("cd {}", quoted(&shown)), format!("{} watch", quoted(&program()))];
    if voice.is_json() {
        let files: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let report = json!({
            "directory": shown, "template": template.name(), "files": files, "next": next,
        });
        return voice.document(&report);
    }
    voice.line(format_args!("made {} from the template {}:\n", safe(&shown), template.name()))?;
    for (path, what) in [
        (template.source(), "the function: change this"),
        ("casemate.toml", "the manifest: how it is built, its route, its example"),
        ("README.md", "what to do with it"),
    ] {
        voice.line(format_args!("  {path:<16}  {what}"))?;
    }
    voice.line("\nnext:\n")?;
    next.iter().try_for_each(|command| voice.line(format_args!("  {}", safe(command))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_names_are_allowed() {
        for wanted in ["Hello World", "1st", "", "é", "my_fn", "host", "-a-", &"x".repeat(100)] {
            let name = suggestion(wanted);
            assert!(ApplicationName::parse(&name).is_ok(), "{wanted}: {name}");
        }
        assert_eq!(suggestion("Hello World"), "hello-world");
        assert_eq!(suggestion("test"), "my-test", "what was refused is not suggested");
    }

    #[test]
    fn what_was_half_written_is_taken_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let project = dir.path().join("a/b");
        let files = [
            ("src/one", String::new()),
            ("two", String::new()),
            // A file where a directory would have to be.
            ("two/three", String::new()),
        ];
        assert!(write(&project, &files).is_err());
        assert!(!project.exists());
        fs::create_dir_all(&project).expect("made");
        assert!(write(&project, &files).is_err());
        assert_eq!(fs::read_dir(&project).expect("there still").count(), 0);
    }
}
