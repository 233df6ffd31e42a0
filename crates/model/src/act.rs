//! Control-plane acts: everything that changes what the platform is, and how it is written down.
//!
//! An act goes in, is applied to the registry and becomes a leaf of the ledger in one
//! transaction. [`Leaf`] is the ledger's schema, version 1: JSON with the keys in this order and
//! no white space, so that the bytes can be hashed and read by anybody.

mod leaf;
mod listed;

pub use leaf::{Leaf, LeafAct, LeafFunction};
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
    /// Has the values of one subject go away for good.
    DataErase {
        /// What the values are.
        class: DataClass,
        /// Whose they are, as the keyed hash that the salt was kept under.
        subject: String,
    },
    /// The root key has another epoch.
    KeyRotate {
        /// The epoch.
        epoch: Epoch,
        /// Says which root it has.
        fingerprint: String,
    },
    /// What is stored is being moved to the newest epoch.
    KeyRewrap {
        /// That epoch.
        epoch: Epoch,
    },
    /// What is stored was moved to the newest epoch.
    KeyRewrapped {
        /// That epoch.
        epoch: Epoch,
        /// How many things.
        moved: u64,
        /// How many stay with an older one, since they are damaged.
        left: u64,
    },
    /// Seals secrets and keys of callers anew. They are what they were.
    KeyReseal {
        /// The epoch that seals them now.
        epoch: Epoch,
        /// The secrets.
        secrets: Vec<SecretRow>,
        /// The tokens whose keys these are.
        tokens: Vec<TokenRow>,
    },
    /// An epoch goes out of the root key.
    KeyRetire {
        /// The epoch.
        epoch: Epoch,
        /// Says which root it had.
        fingerprint: String,
    },
    /// A copy of the root key was given out.
    KeyBackup {
        /// Its newest epoch.
        epoch: Epoch,
        /// Whether it is sealed with a passphrase.
        sealed: bool,
    },
    /// Keys of classes were sealed for another home.
    KeyExport {
        /// The classes.
        classes: Vec<DataClass>,
        /// The other home's public key.
        to: String,
    },
    /// Keys of classes came from another home.
    KeyImport {
        /// The classes.
        classes: Vec<DataClass>,
        /// The other home's public key.
        from: String,
        /// The tenant and environment that they are of there.
        of: Scope,
        /// Whether values are protected with them from now on.
        used: bool,
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
    /// Tokens whose keys are sealed anew, and that are otherwise as they were.
    pub tokens_resealed: Vec<TokenRow>,
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
