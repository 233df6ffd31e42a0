//! The two answers: a permit, which is a proof, and a denial, which explains itself.
//!
//! Invariant: a [`Permit`] is made by a decision of this crate and by nothing else.

use model::{Code, Grant, Scope};
use std::fmt;
use std::sync::Arc;

/// What a policy is called: a grant's text, or `FILE#N` for the N-th policy of an operator's file.
pub type PolicyId = Arc<str>;

/// The proof that a call was permitted. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Permit(Arc<Grounds>);

#[derive(Debug, PartialEq, Eq)]
struct Grounds {
    version: u64,
    policies: Box<[PolicyId]>,
}

impl Permit {
    pub(crate) fn new(version: u64, policies: Vec<PolicyId>) -> Self {
        Self(Arc::new(Grounds { version, policies: policies.into_boxed_slice() }))
    }

    /// The version of the policies that decided.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The policies that permitted it, in order of their ids. Never empty.
    #[must_use]
    pub fn policies(&self) -> &[PolicyId] {
        &self.0.policies
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({:016x}, {:?})", self.0.version, self.0.policies)
    }
}

/// The proof that what a function asks of the host was permitted. Whatever does it takes one.
#[derive(Debug)]
#[must_use]
pub struct CallPermit(());

impl CallPermit {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// How a denial came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenialKind {
    /// Nothing permits it.
    NoGrant,
    /// An operator's policy forbids it. No grant would help.
    Forbidden,
    /// A policy could not be evaluated.
    Error,
}

/// Why something was not permitted. Cheap to clone.
///
/// Everything in it is for those who may view the function, and for its log and record.
/// Strangers are told the code's title at most.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denial {
    /// How it came about.
    pub kind: DenialKind,
    /// E0201, E0202, E0203, E0207 or E0208.
    pub code: Code,
    /// The policies that forbade it, or that could not be evaluated. Empty where nothing permits.
    pub reasons: Arc<[PolicyId]>,
    /// What went wrong, where something did.
    pub detail: Option<Arc<str>>,
    /// The command that would allow it, where there is one.
    pub hint: Option<Arc<str>>,
}

impl Denial {
    fn new(kind: DenialKind, code: Code) -> Self {
        Self { kind, code, reasons: Arc::default(), detail: None, hint: None }
    }

    /// Nothing permits it, and no command would help.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self::new(DenialKind::NoGrant, code)
    }

    pub(crate) fn error(reasons: Vec<PolicyId>, detail: &str) -> Self {
        let base = Self::new(DenialKind::Error, Code::PolicyError);
        Self { reasons: reasons.into(), detail: Some(detail.into()), ..base }
    }

    pub(crate) fn forbidden(reasons: Vec<PolicyId>) -> Self {
        Self { reasons: reasons.into(), ..Self::new(DenialKind::Forbidden, Code::Denied) }
    }

    /// The code of a call that a policy forbids is that of the call.
    pub(crate) fn code_or(&self, call: Code) -> Code {
        if self.kind == DenialKind::Forbidden { call } else { self.code }
    }

    pub(crate) fn no_grant(code: Code, hint: Option<String>) -> Self {
        Self { hint: hint.map(Into::into), ..Self::new(DenialKind::NoGrant, code) }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DenialKind::Forbidden => f.write_str("a policy forbids this call")?,
            DenialKind::NoGrant | DenialKind::Error => f.write_str(self.code.title())?,
        }
        for (index, reason) in self.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if index == 0 { ": " } else { ", " })?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denial {}

/// The command that writes `grant` in `scope`.
///
/// The caller must have made sure that no part of the grant means anything to a shell.
pub(crate) fn command(scope: &Scope, grant: &Grant) -> String {
    let home = Scope::default();
    let mut text = format!("casemate grant {grant}");
    if scope.tenant != home.tenant {
        text.push_str(&format!(" --tenant {}", scope.tenant));
    }
    if scope.environment != home.environment {
        text.push_str(&format!(" --env {}", scope.environment));
    }
    text
}
