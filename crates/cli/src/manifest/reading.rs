//! A manifest's text, read step by step; what is wrong comes with its place and with a correction.

use super::document::{Document, Fault};
use super::{keys, mend};
use model::limit::Ceiling;
use model::manifest::FunctionSpec;
use model::{Code, Manifest, Problem};

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// It is no TOML.
    Text,
    /// A key is unknown.
    Keys,
    /// A value does not fit its key.
    Values,
    /// Values do not fit each other, or this platform.
    Checks,
}

/// Where reading ended, and why.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) fault: Fault,
}

/// Reads a manifest as far as its own words go.
///
/// # Errors
/// E0118, E0103 or E0104 with the line and what to write instead.
pub(super) fn read<'a>(file: &str, text: &'a str) -> Result<(Document<'a>, Manifest), Problem> {
    parts(file, text).map_err(|failure| mend::advised(file, text, failure))
}

/// Reads a manifest and checks all that can be known without a node and without components.
///
/// # Errors
/// As [`read`], and what [`Manifest::check`] says, with the line.
pub(super) fn checked(file: &str, text: &str) -> Result<Manifest, Problem> {
    attempt(file, text).map_err(|failure| mend::advised(file, text, failure))
}

/// As [`checked`], without advice.
pub(super) fn attempt(file: &str, text: &str) -> Result<Manifest, Failure> {
    let (document, manifest) = parts(file, text)?;
    let failed = |fault| Failure { step: Step::Checks, fault };
    for (index, function) in manifest.functions.iter().enumerate() {
        if function.source.is_none() {
            check_named(&document, function, index).map_err(failed)?;
        }
    }
    let checked = manifest.check(&Ceiling::DEFAULT);
    let checked = checked.and_then(|()| protect::contract::check_functions(&manifest.functions));
    checked.map_err(|problem| failed(placed(&document, problem)))?;
    Ok(manifest)
}

fn parts<'a>(file: &str, text: &'a str) -> Result<(Document<'a>, Manifest), Failure> {
    let at = |step| move |fault| Failure { step, fault };
    let document = Document::parse(file, text).map_err(at(Step::Text))?;
    keys::check(&document).map_err(at(Step::Keys))?;
    let manifest = document.manifest().map_err(at(Step::Values))?;
    Ok((document, manifest))
}

/// A function without a component has to say where it will be.
pub(super) fn check_named(
    document: &Document<'_>,
    function: &FunctionSpec,
    index: usize,
) -> Result<(), Fault> {
    let is_image = function.native.as_ref().is_some_and(|native| native.image.is_some());
    if function.digest.is_some() || is_image {
        return Ok(());
    }
    let what = format!("function `{}` names no `source`", function.name);
    Err(document.fault(Code::ManifestValue, document.function_key(index, "name"), what))
}

/// A problem of the manifest as a whole, with its line.
fn placed(document: &Document<'_>, problem: Problem) -> Fault {
    let span = problem.pointer.as_deref().and_then(|pointer| document.pointed(pointer));
    let detail = problem.detail.clone().unwrap_or_else(|| problem.code.title().to_owned());
    let fault = document.fault(problem.code, span, detail);
    Fault { problem: Problem { hint: problem.hint, ..fault.problem }, ..fault }
}
