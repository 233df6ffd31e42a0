//! What the tests call, and the fuzzer by way of them: the text of a project's file.
//!
//! Compiled for tests only; see `docs/FUZZING.md`.

use super::draft::Import;
use super::{Format, Said, read, write};
use crate::manifest;
use model::Code;
use std::path::Path;

/// What stands where a secret would.
const VALUE: &str = "k4Jx0QzVtW9uLq7s";
/// Where it stands: under a name that says what it is.
const LINE: &str = "DB_PASSWORD: k4Jx0QzVtW9uLq7s\n";

/// The formats, each with a file name that it has.
const FORMATS: &[(Format, &str)] = &[
    (Format::Sam, "template.yaml"),
    (Format::Serverless, "serverless.yml"),
    (Format::FunctionsFramework, "package.json"),
    (Format::Workers, "wrangler.toml"),
    (Format::Workers, "wrangler.jsonc"),
    (Format::Knative, "service.yaml"),
    (Format::Openfaas, "stack.yml"),
];

/// A project's file, by the reader of each format. It is refused with one of two codes, or becomes
/// a manifest that our reader takes, of which every function is in the report; and a value behind
/// a name that says that it is a secret is in neither.
///
/// # Errors
/// The promise that was broken.
pub(crate) fn import_file(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    // An input in which the name was changed says nothing about secrets.
    let secret = text.matches(LINE).count() == text.matches(VALUE).count();
    let shows = |text: &str| secret && text.contains(VALUE);
    let nowhere = Path::new("/nonexistent/project");
    let said = Said { source: Some("source".to_owned()), application: None };
    for (format, file) in FORMATS {
        let mut import = Import::new(*format, file, "app");
        let path = nowhere.join(file);
        let written =
            read(&mut import, (&path, text), nowhere, &said).and_then(|()| write::written(import));
        match written {
            Err(problem)
                if matches!(problem.code, Code::ImportUnreadable | Code::NothingToImport) =>
            {
                let detail = problem.detail.unwrap_or_default();
                hold(!shows(&detail), "a refusal quotes a secret")?;
            }
            Err(problem) => return Err(format!("another code: {problem}")),
            Ok(imported) => {
                let manifest = manifest::accepted(manifest::FILE_NAME, &imported.text)
                    .map_err(|problem| format!("it is not accepted: {problem}"))?;
                let named = imported.report.functions.iter().map(|it| it.name.as_str());
                hold(
                    named.eq(manifest.functions.iter().map(|it| it.name.as_str())),
                    "other functions are reported",
                )?;
                let report =
                    serde_json::to_string(&imported.report).map_err(|error| error.to_string())?;
                hold(!shows(&imported.text), "the manifest has a secret in it")?;
                hold(!shows(&report), "the report has a secret in it")?;
            }
        }
    }
    Ok(())
}

fn hold(kept: bool, promise: &str) -> Result<(), String> {
    if kept { Ok(()) } else { Err(promise.to_owned()) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn import_file() {
        fuzzing::run("import_file", 400, super::import_file);
    }
}
