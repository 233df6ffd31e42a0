//! What an act does to the registry: the rules, without the storage.
//!
//! [`plan`] looks at one scope through a [`View`] and answers with a [`Plan`]: the ledger entry
//! with its numbers resolved, and every row to write or delete. Each version of the registry
//! carries the plan out in its own way, so that the rules exist once.
//!
//! Rules that the types do not show:
//! - A revision is named by its content. The same settings and component get the same number
//!   again, also when another revision was active in between; other content gets the next number.
//! - An act that changes nothing (a grant that exists, a rollback to what is active, a genesis of
//!   a log that has begun) is no error and writes no leaf.
//! - When a function goes, by whatever act, the grants about it go too, so that a later function
//!   of the same name inherits nothing.
//! - An application that was removed can be rolled back to a deployment that is named.
//! - Lists in a plan are sorted by name, so that equal histories give equal ledgers.
//!
//! Invariant: pure. The same view and act give the same plan.

use crate::act::{Act, Changes, LeafAct};
use crate::beside::Beside;
use crate::manifest::Manifest;
use crate::route::Route;
use crate::token::TokenId;
use crate::{
    ApplicationName, Code, Digest, FunctionName, FunctionRow, Grant, Problem, Scope, SecretName,
    SecretRow, TokenName,
};

mod access;
mod beside;
mod deploy;
mod secrets;

/// SHA-256, handed in because this crate has no cryptography.
pub type Sha256 = fn(&[u8]) -> Digest;

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApplicationState {
    /// The active deployment; `None` after a removal.
    pub active: Option<u32>,
    /// The highest deployment number that was given.
    pub last: u32,
}

/// What makes two routes the same: host, method, and the path without parameter names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// The host; empty for every host.
    pub host: String,
    /// See [`Route::shape`].
    pub shape: String,
    /// The method, or `*`.
    pub method: String,
}

impl RouteKey {
    /// The key of a route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            host: route.host.clone().unwrap_or_default(),
            shape: route.shape(),
            method: route.method.clone(),
        }
    }
}

/// What the rules need to know of one scope. Every method looks at the state before the act.
pub trait View {
    /// Why a look failed; refusals travel in it too.
    type Error: From<Problem>;

    /// An application that was deployed at least once.
    fn application(&self, name: &ApplicationName) -> Result<Option<ApplicationState>, Self::Error>;
    /// Names of an application's active functions.
    fn members(&self, name: &ApplicationName) -> Result<Vec<FunctionName>, Self::Error>;
    /// The functions of a past or present deployment; `None` if it never was.
    fn deployment(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<Vec<FunctionRow>>, Self::Error>;
    /// The highest deployment number below `deployment`.
    fn deployment_before(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<u32>, Self::Error>;
    /// The application that an active function belongs to.
    fn owner(&self, function: &FunctionName) -> Result<Option<ApplicationName>, Self::Error>;
    /// Who answers a route.
    fn route(&self, key: &RouteKey)
    -> Result<Option<(ApplicationName, FunctionName)>, Self::Error>;
    /// The revision of a function, active or not, that has this digest.
    fn revision(&self, function: &FunctionName, digest: Digest)
    -> Result<Option<u32>, Self::Error>;
    /// The highest revision number of a function; 0 if it has none.
    fn revision_last(&self, function: &FunctionName) -> Result<u32, Self::Error>;
    /// One revision of a function, active or not.
    fn revision_row(
        &self,
        function: &FunctionName,
        revision: u32,
    ) -> Result<Option<FunctionRow>, Self::Error>;
    /// What is kept beside a function.
    fn beside(&self, function: &FunctionName) -> Result<Option<Beside>, Self::Error>;
    /// Whether this grant is there.
    fn granted(&self, grant: &Grant) -> Result<bool, Self::Error>;
    /// Grants whose subject or object is this function.
    fn grants_about(&self, function: &FunctionName) -> Result<Vec<Grant>, Self::Error>;
    /// Grants to publish to this application.
    fn grants_of(&self, application: &ApplicationName) -> Result<Vec<Grant>, Self::Error>;
    /// Grants made to this token.
    fn grants_to(&self, token: &TokenName) -> Result<Vec<Grant>, Self::Error>;
    /// Whether there is a token of this name.
    fn token(&self, name: &TokenName) -> Result<bool, Self::Error>;
    /// Whether any scope has a token with this public part.
    fn token_id(&self, id: &TokenId) -> Result<bool, Self::Error>;
    /// A secret that was set at least once.
    fn secret(&self, name: &SecretName) -> Result<Option<SecretRow>, Self::Error>;
    /// Whether the ledger has no leaf yet.
    fn ledger_empty(&self) -> Result<bool, Self::Error>;
}

/// Which deployment becomes the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// The application. All its active functions and routes are replaced by
    /// [`Changes::functions_put`].
    pub application: ApplicationName,
    /// Its active deployment from now on; `None` after a removal.
    pub deployment: Option<u32>,
    /// The manifest, if the deployment is new. Its functions are [`Changes::functions_put`].
    pub made: Option<Manifest>,
}

/// Everything that an act changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The ledger entry.
    pub act: LeafAct,
    /// For acts on an application.
    pub activation: Option<Activation>,
    /// Revisions to write: those functions of a new deployment whose content is new.
    pub revisions: Vec<FunctionRow>,
    /// Rows to write and to delete.
    pub changes: Changes,
}

/// What comes of an act that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is to be done, and no leaf is to be written.
    Unchanged {
        /// The application's active deployment, for acts on one.
        deployment: Option<u32>,
    },
    /// This is to be done, all or nothing.
    Changed(Box<Plan>),
}

/// Decides what `act` does in `scope`.
///
/// # Errors
/// A [`Problem`] if the act does not fit what is there, or what the view failed with.
pub fn plan<V: View>(
    view: &V,
    scope: &Scope,
    act: Act,
    sha256: Sha256,
) -> Result<Outcome, V::Error> {
    match act {
        Act::Deploy { manifest, expected, grants } => {
            deploy::Deploy { view, scope, sha256 }.deploy(*manifest, expected, grants)
        }
        Act::Rollback { application, to } => {
            deploy::Deploy { view, scope, sha256 }.rollback(application, to)
        }
        Act::Remove { application } => deploy::Deploy { view, scope, sha256 }.remove(application),
        Act::Grant { grant } => access::grant(view, grant),
        Act::Revoke { grant } => access::revoke(view, grant),
        Act::TokenCreate { token, invoke } => access::token_create(view, token, invoke, sha256),
        Act::TokenRevoke { name } => access::token_revoke(view, name, sha256),
        Act::Genesis { version } if view.ledger_empty()? => Ok(note(LeafAct::Genesis { version })),
        Act::Genesis { .. } => Ok(Outcome::Unchanged { deployment: None }),
        Act::Restored { backup } => Ok(note(LeafAct::Restored { backup })),
        Act::SecretPut { row, rotate } => secrets::put(view, row, rotate),
        Act::SecretRemove { name } => secrets::remove(view, name),
        Act::CapLift { of, name, until } => Ok(note(LeafAct::CapLift { of, name, until })),
        Act::DataReveal { class, purpose, values, tokens } => {
            Ok(note(LeafAct::DataReveal { class, purpose, values, tokens }))
        }
        Act::DataErase { class, subject } => Ok(note(LeafAct::DataErase { class, subject })),
        Act::KeyRotate { epoch, fingerprint } => {
            Ok(note(LeafAct::KeyRotate { epoch: epoch.0, fingerprint }))
        }
        Act::KeyRewrap { epoch } => Ok(note(LeafAct::KeyRewrap { epoch: epoch.0 })),
        Act::KeyRewrapped { epoch, moved, left } => {
            Ok(note(LeafAct::KeyRewrapped { epoch: epoch.0, moved, left }))
        }
        Act::KeyReseal { epoch, secrets, tokens } => secrets::reseal(view, epoch, secrets, tokens),
        Act::KeyRetire { epoch, fingerprint } => {
            Ok(note(LeafAct::KeyRetire { epoch: epoch.0, fingerprint }))
        }
        Act::KeyBackup { epoch, sealed } => Ok(note(LeafAct::KeyBackup { epoch: epoch.0, sealed })),
        Act::KeyExport { classes, to } => Ok(note(LeafAct::KeyExport { classes, to })),
        Act::KeyImport { classes, from, of, used } => {
            Ok(note(LeafAct::KeyImport { classes, from, of, used }))
        }
        Act::QueuePeek { function, invocation } => {
            Ok(note(LeafAct::QueuePeek { function, invocation }))
        }
        Act::Beside { function, what, beside, rights } => {
            beside::put(view, scope, (function, what), *beside, rights, sha256)
        }
    }
}

/// An act that changes nothing but the ledger.
fn note(act: LeafAct) -> Outcome {
    changed(act, Changes::default())
}

/// An act on grants or tokens.
fn changed(act: LeafAct, changes: Changes) -> Outcome {
    Outcome::Changed(Box::new(Plan { act, activation: None, revisions: Vec::new(), changes }))
}

fn refused<T, E: From<Problem>>(code: Code, detail: String) -> Result<T, E> {
    Err(Problem::new(code).detail(detail).into())
}
