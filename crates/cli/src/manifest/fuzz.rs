//! What the fuzzer and the tests call: the text of a manifest.
//!
//! Compiled for tests and for the fuzzer only, which includes this file and the two beside it by
//! their paths; see `docs/FUZZING.md`.

use super::document::{Document, Fault};
use super::keys;
use model::limit::Ceiling;
use model::{Code, Manifest, Problem};

/// What a target says: nothing, or which promise was broken.
pub(crate) type Outcome = Result<(), String>;

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// A `casemate.toml`. A complaint has one of three codes and names a line that is there; where the
/// keys are found known, reading the values finds no unknown one, so that the schema and the types
/// say the same; and what was read is the same manifest when it is written as TOML or JSON and
/// read again, and passes the same checks.
///
/// # Errors
/// The promise that was broken.
pub(crate) fn manifest_toml(bytes: &[u8]) -> Outcome {
    const FILE: &str = "casemate.toml";
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let document = match Document::parse(FILE, text) {
        Ok(document) => document,
        Err(fault) => return placed(&fault.problem, text, Code::ManifestUnreadable),
    };
    if let Err(fault) = keys::check(&document) {
        return placed(&fault.problem, text, Code::ManifestUnknownKey);
    }
    let manifest = match document.manifest() {
        Ok(manifest) => manifest,
        Err(Fault { problem, .. }) => {
            let detail = problem.detail.as_deref().unwrap_or_default();
            let agree = !detail.contains("unknown field") || text.contains("unknown field");
            hold(agree, "the schema knows a key that the types do not")?;
            return placed(&problem, text, Code::ManifestValue);
        }
    };
    let written = toml::to_string(&manifest).map_err(|error| error.to_string())?;
    let again = Document::parse(FILE, &written).map_err(|fault| fault.problem.to_string())?;
    keys::check(&again)
        .map_err(|fault| format!("a key of its own is unknown: {}", fault.problem))?;
    let again = again.manifest().map_err(|fault| fault.problem.to_string())?;
    hold(again == manifest, "it does not come back as TOML")?;
    let json = serde_json::to_vec(&manifest).map_err(|error| error.to_string())?;
    let again = serde_json::from_slice::<Manifest>(&json).map_err(|error| error.to_string())?;
    hold(again == manifest, "it does not come back as JSON")?;
    let checked = |manifest: &Manifest| manifest.check(&Ceiling::DEFAULT);
    hold(checked(&again) == checked(&manifest), "it is checked differently as JSON")
}

/// The code, and `FILE:LINE: ` with a line of the text.
fn placed(problem: &Problem, text: &str, code: Code) -> Outcome {
    hold(problem.code == code, format_args!("another code: {problem}"))?;
    let detail = problem.detail.as_deref().unwrap_or_default();
    let line = detail.split(':').nth(1).and_then(|line| line.parse::<usize>().ok());
    let last = text.matches('\n').count() + 1;
    hold(line.is_some_and(|line| (1..=last).contains(&line)), format_args!("no line: {detail:?}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn manifest_toml() {
        fuzzing::run("manifest_toml", 600, super::manifest_toml);
    }
}
