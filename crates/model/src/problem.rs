//! What is said about a failure: one thing to strangers, another to those who may look inside.

use crate::{Code, InvocationId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A failure at a public boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// More than the code's title, safe to show to the caller. Never text of a guest.
    pub detail: Option<String>,
    /// For logs and for callers with the right to view; may quote a guest.
    pub internal: Option<String>,
    /// What to do, where that is more exact than the code's remedy.
    pub hint: Option<String>,
    /// Where in the document that it is about, as a JSON pointer (RFC 6901), if that is known.
    /// Stays on this side of a wire.
    pub pointer: Option<String>,
}

impl Problem {
    /// A failure that says no more than its code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, internal: None, hint: None, pointer: None }
    }

    /// Adds what may be shown to the caller.
    #[must_use]
    pub fn detail(mut self, text: impl fmt::Display) -> Self {
        self.detail = Some(text.to_string());
        self
    }

    /// Adds what stays inside.
    #[must_use]
    pub fn internal(mut self, text: impl fmt::Display) -> Self {
        self.internal = Some(text.to_string());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, text: impl fmt::Display) -> Self {
        self.hint = Some(text.to_string());
        self
    }

    /// Says where in its document it is, seen from `above`: what is known already is below that.
    #[must_use]
    pub fn below(mut self, above: impl fmt::Display) -> Self {
        let inner = self.pointer.take().unwrap_or_default();
        self.pointer = Some(format!("{above}{inner}"));
        self
    }

    /// The body of an answer to somebody who may not look inside.
    #[must_use]
    pub fn public_body(&self, invocation: Option<InvocationId>) -> Body {
        Body {
            kind: format!("urn:casemate:error:{}", self.code),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            code: self.code.text().to_owned(),
            detail: self.detail.clone(),
            hint: self.hint.clone(),
            invocation,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.code.title())?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// A problem document: RFC 9457, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Body {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's title.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The code, such as `E0203`; `casemate explain` knows more.
    pub code: String,
    /// What happened to what, this time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// The invocation, where there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invocation: Option<InvocationId>,
}

impl Body {
    /// The media type of a problem document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}
