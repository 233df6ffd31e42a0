//! What is deployed, granted and issued.

use crate::Future;
use model::act::{Act, Committed};
use model::beside::BesideRow;
use model::manifest::{FunctionSpec, Runtime};
use model::revision::{DeploymentRow, FunctionRow, RevisionRow};
use model::token::TokenRow;
use model::{
    ApplicationName, Code, Digest, FunctionRef, Grant, Problem, Scope, SecretRow, Timestamp,
};
use std::collections::BTreeSet;

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The act does not fit what is there: a clash, a missing function, a taken name.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The disk has no room. Nothing was changed.
    #[error("no room in the registry")]
    Full,
    /// The store failed. Nothing was changed.
    #[error("the registry failed: {0}")]
    Store(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(problem) => problem,
            Error::Full => Self::new(Code::DiskFull),
            Error::Store(why) => Self::new(Code::StoreFailed).internal(why),
        }
    }
}

/// Everything that is active in one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeState {
    /// Where.
    pub scope: Scope,
    /// Active functions.
    pub functions: Vec<FunctionRow>,
    /// Grants.
    pub grants: Vec<Grant>,
    /// Tokens that were not revoked; expired ones are among them.
    pub tokens: Vec<TokenRow>,
    /// Secrets; those that were removed are among them, without a value.
    pub secrets: Vec<SecretRow>,
    /// What is kept beside functions.
    pub beside: Vec<BesideRow>,
}

/// What revisions refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Referred {
    /// Components.
    pub components: BTreeSet<Digest>,
    /// Lists of files. What is in them is referred to as well.
    pub lists: BTreeSet<Digest>,
}

impl Referred {
    /// Notes what a revision with these settings refers to.
    pub fn add(&mut self, artifact: Digest, spec: &FunctionSpec) {
        let listed = spec.assets.is_some() || spec.runtime == Runtime::Native;
        let kind = if listed { &mut self.lists } else { &mut self.components };
        kind.insert(artifact);
        self.lists.extend(spec.files.as_ref().and_then(|files| files.digest));
        self.lists.extend(spec.native.as_ref().and_then(|native| native.layers_digest));
    }
}

/// Who asks for an act, where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// `operator`, or a token's name.
    pub actor: String,
    /// Where.
    pub scope: Scope,
    /// When.
    pub at: Timestamp,
}

/// The registry and its ledger, one transaction.
pub trait Registry: Send + Sync {
    /// Applies an act and writes its ledger leaf; both or neither, and durable on return.
    ///
    /// Deploying what is active already makes a new deployment, and functions that did not
    /// change keep their revision. Routes must not clash with other applications of the scope.
    fn commit(&self, act: Act, by: By) -> Future<'_, Result<Committed, Error>>;

    /// Everything that is active, scope by scope.
    fn load(&self) -> Future<'_, Result<Vec<ScopeState>, Error>>;

    /// A function's revisions, newest first. Empty for one that never was.
    fn revisions<'a>(
        &'a self,
        function: &'a FunctionRef,
    ) -> Future<'a, Result<Vec<RevisionRow>, Error>>;

    /// An application's deployments, newest first.
    fn deployments<'a>(
        &'a self,
        scope: &'a Scope,
        application: &'a ApplicationName,
    ) -> Future<'a, Result<Vec<DeploymentRow>, Error>>;

    /// What the revisions of all scopes refer to, active or not.
    fn artifacts(&self) -> Future<'_, Result<Referred, Error>>;

    /// Writes a consistent copy of the registry to a new file, while the node runs.
    fn backup(&self, file: std::path::PathBuf) -> Future<'_, Result<(), Error>>;
}
