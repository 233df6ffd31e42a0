//! The rules: the built-in ones, and those of a file.

use model::{Code, DataClass, Problem};
use protect::detect::{Custom, Detector};
use serde::Deserialize;
use std::path::Path;

/// Largest file of rules, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Custom>,
}

/// The rules for these classes; for all if none is named.
///
/// # Errors
/// E0321 with the file, and the line or the rule. A class that no rule finds is an error of usage.
pub(super) fn detector(file: Option<&Path>, only: &[DataClass]) -> anyhow::Result<Detector> {
    let customs = file.map(read).transpose()?.unwrap_or_default();
    let place = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
    let detector = Detector::with(&customs).map_err(|error| wrong(format!("{place}{error}")))?;
    if only.is_empty() {
        return Ok(detector);
    }
    for class in only {
        let finds = |own: &DataClass| {
            own == class || own.built_in().map(DataClass::from).as_ref() == Some(class)
        };
        if !detector.rules().any(|(_, rule)| finds(&rule.class)) {
            let mut known: Vec<String> =
                detector.rules().map(|(_, rule)| rule.class.to_string()).collect();
            known.sort();
            known.dedup();
            let text = format!("no rule finds `{class}`; there are {}", known.join(", "));
            return Err(crate::voice::usage(text));
        }
    }
    Ok(detector.only(only))
}

fn read(file: &Path) -> Result<Vec<Custom>, Problem> {
    let failed = |what: String| wrong(format!("{}: {what}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(failed(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let rules: File = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        wrong(format!("{}:{line}: {}", file.display(), error.message()))
    })?;
    Ok(rules.rule)
}

fn wrong(detail: String) -> Problem {
    Problem::new(Code::DetectRule).detail(detail)
}
