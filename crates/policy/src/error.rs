//! What can be wrong with policies before anything is decided.

use cedar_policy::{ParseErrors, ValidationError};
use miette::Diagnostic;
use model::{Code, Problem};
use std::fmt;

/// Why policies cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file is no Cedar.
    #[error("the policy file `{file}` is no Cedar at {place}")]
    Syntax {
        /// The file.
        file: String,
        /// Where in it.
        place: Place,
        /// What Cedar says.
        source: Box<ParseErrors>,
    },
    /// A policy does not fit the schema.
    #[error("the policy `{policy}` does not fit the schema at {place}")]
    Schema {
        /// The policy: `FILE#N`.
        policy: String,
        /// Where in the file.
        place: Place,
        /// What Cedar says.
        source: Box<ValidationError>,
    },
    /// A policy has slots, and there is nothing here that would fill them.
    #[error(
        "the policy file `{file}` has a template: write a policy without `?principal` and `?resource`"
    )]
    Template {
        /// The file.
        file: String,
    },
    /// Two policies have one id, or two files one name.
    #[error("two operator policies are called `{policy}`")]
    Twice {
        /// The id.
        policy: String,
    },
    /// A grant that means nothing came from the store.
    #[error("the grant `{grant}` cannot be used")]
    Grant {
        /// The grant, escaped.
        grant: String,
        /// What is wrong with it.
        source: model::grant::Error,
    },
    /// Something of our own that is always well-formed was not.
    #[error("the policy engine is broken: {what}")]
    Invariant {
        /// What was not as it must be.
        what: String,
    },
}

impl Error {
    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Grant { .. } => Code::BadGrant,
            Self::Invariant { .. } => Code::PolicyError,
            _ => Code::BadPolicy,
        }
    }

    pub(crate) fn invariant(what: impl fmt::Display) -> Self {
        Self::Invariant { what: what.to_string() }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match std::error::Error::source(&error) {
            Some(source) => Self::new(code).detail(format_args!("{error}: {source}")),
            None => Self::new(code).detail(error),
        }
    }
}

/// A place in a file, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Place {
    /// Where `finding` points in `text`; the beginning, if it does not say.
    pub(crate) fn of(finding: &dyn Diagnostic, text: &str) -> Self {
        let offset = finding
            .labels()
            .and_then(|mut labels| labels.next())
            .map_or(0, |label| label.offset().min(text.len()));
        let before = text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
