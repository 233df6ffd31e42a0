//! What is started for a function: a program of its package, an interpreter, or a loader of ours.

use super::recipe::{Files, LAYERS};
use super::rooted;
use crate::contract::server;
use model::manifest::{Contract, NativeSpec};
use model::{Code, Problem};
use std::path::{Path, PathBuf};

/// What Lambda and those like it start, if nothing else is said.
const BOOTSTRAP: &str = "bootstrap";
/// What OpenWhisk's ActionLoop starts.
const EXEC: &str = "exec";

/// Where layers have the extensions that run beside a runtime of AWS Lambda's.
const EXTENSIONS: &str = "extensions";
/// Most of them, as AWS has it.
const EXTENSIONS_MAX: usize = 10;
/// What starts them beside a program; our loaders do it themselves.
const BESIDE: &str = r#"for it in /opt/extensions/*; do "$it" </dev/null & done; exec "$0" "$@""#;

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// A handler within an interpreter, through a loader where there is one.
    Handler(String),
    /// The interpreter with these arguments.
    Interpreted(Vec<String>),
    /// A program, by its path in the jail.
    Program(PathBuf, Vec<String>),
}

/// What a function's manifest and its package say. `path` is where programs of an image are looked for,
/// as the process itself would.
///
/// # Errors
/// The program is not in the package.
pub(super) fn of(
    native: &NativeSpec,
    files: &Files,
    place: &Path,
    path: &str,
) -> Result<Start, Problem> {
    let interpreter = native.interpreter.as_deref();
    if let Some(config) = &native.image_config {
        return rooted::program(native, config, (&files.package, path));
    }
    if let Some((program, arguments)) = native.command.split_first() {
        if interpreter.is_some_and(|name| is_called(name, program)) {
            return Ok(Start::Interpreted(arguments.to_vec()));
        }
        return Ok(Start::Program(inside(program, place), arguments.to_vec()));
    }
    if let Some(arguments) = server::arguments(native) {
        return Ok(Start::Interpreted(words(arguments)));
    }
    let handler = native.handler.clone().unwrap_or_default();
    match (native.contract, interpreter) {
        (Contract::Lambda, Some(_)) => Ok(Start::Handler(handler)),
        (Contract::Actionloop, _) => program(EXEC, files, place),
        (_, Some(name)) => Err(nothing(format!("nothing says what `{name}` runs"))),
        (_, None) => program(BOOTSTRAP, files, place),
    }
}

/// The names of the extensions that a function's layers or its image bring, which have to register before it is
/// ready. They are in the order in which they are started.
pub(super) fn extensions(native: &NativeSpec, files: &Files) -> Vec<String> {
    if native.contract != Contract::Lambda {
        return Vec::new();
    }
    let mut names = match (&native.image_config, &files.layers) {
        (Some(_), _) => rooted::files_in(&files.package, &Path::new(LAYERS).join(EXTENSIONS)),
        (None, Some(layers)) => files_in(&layers.join(EXTENSIONS)),
        (None, None) => Vec::new(),
    };
    names.sort_unstable();
    names.truncate(EXTENSIONS_MAX);
    names
}

/// The names of the files in a directory of layers, in which there are no links.
fn files_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    files.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The same, with extensions beside it.
pub(super) fn beside(start: Start, extensions: &[String]) -> Start {
    match start {
        Start::Program(program, arguments) if !extensions.is_empty() => {
            let mut all = words(&["-c", BESIDE]);
            all.push(program.display().to_string());
            all.extend(arguments);
            Start::Program(PathBuf::from("/bin/sh"), all)
        }
        other => other,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whether a word of a command means the interpreter: `python3` is `python3.11`, too.
fn is_called(interpreter: &str, word: &str) -> bool {
    let plain =
        |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    word == interpreter || (!word.contains('/') && plain(word) == plain(interpreter))
}

/// A program as it is found in the jail.
fn inside(program: &str, place: &Path) -> PathBuf {
    // An absolute path stays what it is.
    place.join(program)
}

/// The package's own, or that of its layers, as AWS Lambda looks for it.
fn program(name: &str, files: &Files, place: &Path) -> Result<Start, Problem> {
    if files.package.join(name).is_file() {
        return Ok(Start::Program(place.join(name), Vec::new()));
    }
    if files.layers.as_ref().is_some_and(|layers| layers.join(name).is_file()) {
        return Ok(Start::Program(Path::new(LAYERS).join(name), Vec::new()));
    }
    Err(nothing(format!("neither the package nor its layers hold a program `{name}`")))
}

pub(super) fn nothing(why: String) -> Problem {
    Problem::new(Code::NothingToStart).detail(why)
}
