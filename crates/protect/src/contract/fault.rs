//! Why a contract could not be applied to a document.

use crate::transform::Error;
use model::{Code, Problem};
use std::fmt;

/// Why a contract could not be applied, and where. Never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place in the contract that it is about, if it is about one.
    pub at: Option<String>,
    /// The line or row of the input, from 1, where it has such.
    pub line: Option<u64>,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A value does not fit its transform.
    Value(Error),
    /// The document cannot be read.
    Form(String),
    /// The parts of the document cannot be read, or may not pass.
    Parts(&'static str),
    /// A field is not there.
    Missing,
}

impl Fault {
    pub(crate) fn value(error: Error) -> Self {
        Self { at: None, line: None, what: What::Value(error) }
    }

    pub(crate) fn form(why: impl Into<String>) -> Self {
        Self { at: None, line: None, what: What::Form(why.into()) }
    }

    pub(crate) const fn parts(why: &'static str) -> Self {
        Self { at: None, line: None, what: What::Parts(why) }
    }

    pub(crate) fn missing() -> Self {
        Self { at: None, line: None, what: What::Missing }
    }

    /// Adds the place, unless one is known.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.at.get_or_insert_with(|| place.to_string());
        self
    }

    pub(crate) fn line(mut self, line: u64) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// The code that people look up.
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.what {
            What::Value(error) => error.code(),
            What::Form(_) => Code::DataForm,
            What::Parts(_) => Code::DataParts,
            What::Missing => Code::DataMissing,
        }
    }

    /// What is said about it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.code()).detail(self);
        match &self.what {
            What::Value(Error::TooFew { .. }) => {
                problem.hint("keep fewer characters, or use `transform = \"token\"`")
            }
            What::Value(Error::TooMany { .. }) => {
                problem.hint("send fewer records at a time, in several requests")
            }
            What::Value(Error::Ambiguous) => {
                problem.hint("use `transform = \"token\"`, or keep fewer characters")
            }
            _ => problem,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(at) = &self.at {
            write!(f, "`{}`: ", at.escape_debug())?;
        }
        match &self.what {
            What::Value(error) => write!(f, "{error}"),
            What::Form(why) => f.write_str(why),
            What::Parts(why) => f.write_str(why),
            What::Missing => f.write_str("there is nothing at this place"),
        }
    }
}

impl std::error::Error for Fault {}
