//! A manifest's text: as it was written, or as it would be written for this platform.

use super::spin::{self, Given};
use super::text;
use model::{Code, Problem};
use std::path::Path;

/// The text of a manifest.
#[derive(Debug)]
pub(super) struct Written {
    /// What to call the file.
    name: String,
    pub(super) text: String,
    /// Whether another platform's manifest was read, so that lines mean nothing.
    pub(super) translated: bool,
}

impl Written {
    /// Reads a manifest of ours or of Spin's.
    ///
    /// # Errors
    /// E0118 if it cannot be read, E0180 to E0182 if it is Spin's and cannot be translated.
    pub(super) fn read(file: &Path, given: Given<'_>) -> Result<Self, Problem> {
        let own = text(file)?;
        let name = file.display().to_string();
        let is_spin = file.file_name().is_some_and(|name| name == spin::FILE_NAME);
        if !is_spin && !spin::is_one(&own) {
            return Ok(Self { name, text: own, translated: false });
        }
        let manifest = spin::translated(&name, &own, given)?;
        let text = toml::to_string(&manifest)
            .map_err(|error| Problem::new(Code::Internal).internal(error))?;
        Ok(Self { name, text, translated: true })
    }

    /// A problem with the place that people can look at: the file, and no line of a text that they
    /// never saw.
    pub(super) fn placed(&self, problem: Problem) -> Problem {
        if !self.translated {
            return problem;
        }
        let Some(detail) = problem.detail.clone() else { return problem };
        let rest = detail.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix(':'));
        let rest = rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        match rest.and_then(|rest| rest.strip_prefix(": ")) {
            Some(what) => {
                let what = format!("{}: {what}", self.name);
                // Corrections are for lines of the text, too.
                let hint = problem.hint.clone().filter(|hint| !hint.contains(" line "));
                Problem { hint, ..problem.detail(what) }
            }
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_a_translated_text_names_no_line() {
        let written = |translated| Written {
            name: "a/spin.toml".to_owned(),
            text: String::new(),
            translated,
        };
        let problem = || {
            Problem::new(Code::ManifestValue)
                .detail("a/spin.toml:12: source = \"x\": no file")
                .hint("in line 12 write y")
        };
        let placed = written(true).placed(problem());
        assert_eq!(placed.detail.as_deref(), Some("a/spin.toml: source = \"x\": no file"));
        assert_eq!(placed.hint, None);
        assert_eq!(written(false).placed(problem()), problem());
    }
}
