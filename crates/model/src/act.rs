//! Control-plane acts: everything that changes what the platform is, and how it is written down.
//!
//! An act goes in, is applied to the registry and becomes a leaf of the ledger in one
//! transaction. [`Leaf`] is the ledger's schema, version 1: JSON with the keys in this order and
//! no white space, so that the bytes can be hashed and read by anybody.

mod listed;

pub use listed::{LISTED_MAX, Listed};

use crate::beside::{Beside, BesideRow};
use crate::cap::Whose;
use crate::key::Epoch;
use crate::manifest::Manifest;
use crate::token::TokenRow;
use crate::{
    ApplicationName, DataClass, Digest, FunctionName, FunctionRow, Grant, InvocationId, Scope,
    SecretName, SecretRow, Timestamp, TokenName,
};
use serde::{Deserialize, Serialize};

/// A change that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Makes a manifest the active deployment of its application.
    Deploy {
        /// Checked, with the digest of every component.
        manifest: Box<Manifest>,
        /// Refuse unless this deployment is the active one (0: none yet).
        expected: Option<u32>,
        /// Grants that are written with it.
        grants: Vec<Grant>,
    },
    /// Makes an earlier deployment the active one.
    Rollback {
        /// The application.
        application: ApplicationName,
        /// Its deployment; the one before the active one if not named.
        to: Option<u32>,
    },
    /// Takes an application away. Its history stays.
    Remove {
        /// The application.
        application: ApplicationName,
    },
    /// Writes a grant.
    Grant {
        /// The grant.
        grant: Grant,
    },
    /// Takes a grant back.
    Revoke {
        /// The grant.
        grant: Grant,
    },
    /// Makes a token, with the grants that go with it.
    TokenCreate {
        /// The token, without its secret.
        token: TokenRow,
        /// Functions that it may invoke.
        invoke: Vec<FunctionName>,
    },
    /// Ends a token and the grants made to it.
    TokenRevoke {
        /// The token.
        name: TokenName,
    },
    /// The home was made.
    Genesis {
        /// The version that made it.
        version: String,
    },
    /// The home was restored from a backup.
    Restored {
        /// SHA-256 of the backup.
        backup: Digest,
    },
    /// Gives a secret its first value, or another one.
    SecretPut {
        /// The secret, already sealed for its place.
        row: SecretRow,
        /// Whether there must be a value to replace; otherwise there must be none.
        rotate: bool,
    },
    /// Takes a secret's value away.
    SecretRemove {
        /// The secret.
        name: SecretName,
    },
    /// Lifts the caps per day of something until the day ends.
    CapLift {
        /// Whose caps.
        of: Whose,
        /// Of which function (for callers: whose callers), application or tenant.
        name: String,
        /// Until when.
        until: Timestamp,
    },
    /// Has the values of tokens come back for whoever asks.
    DataReveal {
        /// What the values are.
        class: DataClass,
        /// What for, in the words of who asks.
        purpose: String,
        /// How many tokens.
        values: u64,
        /// SHA-256 of the tokens as a list of JSON without white space.
        tokens: Digest,
    },
    /// The root key has another epoch.
    KeyRotate {
        /// The epoch.
        epoch: Epoch,
        /// Says which root it has.
        fingerprint: String,
    },
    /// A copy of the root key was given out.
    KeyBackup {
        /// Its newest epoch.
        epoch: Epoch,
        /// Whether it is sealed with a passphrase.
        sealed: bool,
    },
    /// Shows what a call in the queue holds.
    QueuePeek {
        /// The function that it is for.
        function: FunctionName,
        /// The call.
        invocation: InvocationId,
    },
    /// Replaces what is kept beside a function.
    Beside {
        /// The function.
        function: FunctionName,
        /// What is done with it, in a few words.
        what: String,
        /// The document, with the number that it had when it was read: another one is refused.
        beside: Box<Beside>,
        /// Grants that come and go with it.
        rights: Rights,
    },
}

/// Grants that come and go with a change of what is kept beside a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Come with it. If one of them is there already, the change is refused as one of what was seen
    /// too long ago.
    pub put: Vec<Grant>,
    /// Go with it, as far as they are there.
    pub gone: Vec<Grant>,
}

/// What an act changed, for whoever keeps a copy of the registry in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Functions that are new or different.
    pub functions_put: Vec<FunctionRow>,
    /// Functions that are gone.
    pub functions_gone: Vec<crate::FunctionRef>,
    /// Grants that are new.
    pub grants_put: Vec<Grant>,
    /// Grants that are gone.
    pub grants_gone: Vec<Grant>,
    /// Tokens that are new.
    pub tokens_put: Vec<TokenRow>,
    /// Tokens that are gone.
    pub tokens_gone: Vec<TokenName>,
    /// Secrets that are new or different, or have no value any more.
    pub secrets_put: Vec<SecretRow>,
    /// What is kept beside functions, where it is new or different. It goes with its function.
    pub beside_put: Vec<BesideRow>,
}

/// An act that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The leaf's number in the ledger, from 0.
    pub leaf: u64,
    /// The deployment that is active now, for acts on an application.
    pub deployment: Option<u32>,
    /// What changed.
    pub changes: Changes,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The schema's version: 1.
    pub v: u32,
    /// The entry's number, from 0.
    pub seq: u64,
    /// When, in microseconds UTC.
    pub time_us: Timestamp,
    /// Where.
    pub scope: Scope,
    /// Who: `operator`, or a token's name.
    pub actor: String,
    /// What.
    pub act: LeafAct,
}

/// What a ledger entry says was done, with the numbers that the registry gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum LeafAct {
    /// See [`Act::Deploy`].
    Deploy {
        /// The application.
        application: ApplicationName,
        /// Its new deployment.
        deployment: u32,
        /// SHA-256 of the manifest's canonical JSON.
        manifest: Digest,
        /// The functions and what they are now.
        functions: Listed<LeafFunction>,
        /// Functions that the deployment took away.
        removed: Listed<FunctionName>,
        /// Grants that were written with it.
        grants: Listed<Grant>,
    },
    /// See [`Act::Rollback`].
    Rollback {
        /// The application.
        application: ApplicationName,
        /// The deployment that was active before.
        from: u32,
        /// The deployment that is active now.
        to: u32,
    },
    /// See [`Act::Remove`].
    Remove {
        /// The application.
        application: ApplicationName,
        /// The functions that went with it.
        functions: Listed<FunctionName>,
    },
    /// See [`Act::Grant`].
    Grant {
        /// The grant.
        grant: Grant,
    },
    /// See [`Act::Revoke`].
    Revoke {
        /// The grant.
        grant: Grant,
    },
    /// See [`Act::TokenCreate`].
    TokenCreate {
        /// The token's name.
        name: TokenName,
        /// Its public part.
        id: crate::token::TokenId,
        /// When it ends.
        expires: Option<Timestamp>,
        /// Functions that it may invoke.
        invoke: Listed<FunctionName>,
        /// Whether it is a key to sign with, as AWS has it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        aws: bool,
        /// Whether its holder may make, change and remove functions.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        manage: bool,
    },
    /// See [`Act::TokenRevoke`].
    TokenRevoke {
        /// The token.
        name: TokenName,
        /// Grants that ended with it.
        grants: Listed<Grant>,
    },
    /// See [`Act::Genesis`].
    Genesis {
        /// The version that made the home.
        version: String,
    },
    /// See [`Act::Restored`].
    Restored {
        /// SHA-256 of the backup.
        backup: Digest,
    },
    /// See [`Act::SecretPut`]. Neither the value nor anything made of it.
    SecretSet {
        /// The secret.
        name: SecretName,
        /// The number of its value.
        version: u32,
    },
    /// See [`Act::SecretPut`]. Neither the value nor anything made of it.
    SecretRotate {
        /// The secret.
        name: SecretName,
        /// The number of its new value.
        version: u32,
    },
    /// See [`Act::SecretRemove`].
    SecretRemove {
        /// The secret.
        name: SecretName,
        /// The number of the value that is gone.
        version: u32,
    },
    /// See [`Act::CapLift`].
    CapLift {
        /// Whose caps.
        of: Whose,
        /// Of which function (for callers: whose callers), application or tenant.
        name: String,
        /// Until when.
        until: Timestamp,
    },
    /// See [`Act::KeyRotate`].
    KeyRotate {
        /// The epoch.
        epoch: u32,
        /// Says which root it has.
        fingerprint: String,
    },
    /// See [`Act::KeyBackup`].
    KeyBackup {
        /// Its newest epoch.
        epoch: u32,
        /// Whether it is sealed with a passphrase.
        sealed: bool,
    },
    /// See [`Act::DataReveal`].
    DataReveal {
        /// What the values are.
        class: DataClass,
        /// What for, in the words of who asked.
        purpose: String,
        /// How many tokens.
        values: u64,
        /// SHA-256 of the tokens as a list of JSON without white space.
        tokens: Digest,
    },
    /// See [`Act::QueuePeek`].
    QueuePeek {
        /// The function that it is for.
        function: FunctionName,
        /// The call.
        invocation: InvocationId,
    },
    /// See [`Act::Beside`].
    Beside {
        /// The function.
        function: FunctionName,
        /// What was done, in a few words.
        what: String,
        /// The document's new number.
        number: u32,
        /// SHA-256 of the document.
        sha256: Digest,
        /// Grants that were written with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        granted: Option<Listed<Grant>>,
        /// Grants that ended with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revoked: Option<Listed<Grant>>,
    },
}

/// A function in a deployment's ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeafFunction {
    /// Its name.
    pub name: FunctionName,
    /// Its revision.
    pub revision: u32,
    /// The revision's digest.
    pub digest: Digest,
    /// Its component.
    pub artifact: Digest,
}

impl Leaf {
    /// The bytes that are hashed into the tree.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Plain structs with string keys: serializing them cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
