//! The entries of the ledger: what was done, with the numbers that the registry gave.
//!
//! Invariant: a form that was written once is read for ever; fields and kinds are only added.

#[cfg(doc)]
use super::Act;
use super::Listed;
use crate::cap::Whose;
use crate::{
    ApplicationName, DataClass, Digest, FunctionName, Grant, InvocationId, Scope, SecretName,
    Timestamp, TokenName,
};
use serde::{Deserialize, Serialize};

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
    /// See [`Act::KeyRewrap`].
    KeyRewrap {
        /// The epoch.
        epoch: u32,
    },
    /// See [`Act::KeyRewrapped`].
    KeyRewrapped {
        /// The epoch.
        epoch: u32,
        /// How many things.
        moved: u64,
        /// How many stay with an older one, since they are damaged.
        left: u64,
    },
    /// See [`Act::KeyReseal`].
    KeyReseal {
        /// The epoch that seals them now.
        epoch: u32,
        /// How many secrets.
        secrets: u64,
        /// How many keys of callers.
        keys: u64,
    },
    /// See [`Act::KeyRetire`].
    KeyRetire {
        /// The epoch.
        epoch: u32,
        /// Says which root it had.
        fingerprint: String,
    },
    /// See [`Act::KeyBackup`].
    KeyBackup {
        /// Its newest epoch.
        epoch: u32,
        /// Whether it is sealed with a passphrase.
        sealed: bool,
    },
    /// See [`Act::KeyExport`].
    KeyExport {
        /// The classes.
        classes: Vec<DataClass>,
        /// The other home's public key.
        to: String,
    },
    /// See [`Act::KeyImport`].
    KeyImport {
        /// The classes.
        classes: Vec<DataClass>,
        /// The other home's public key.
        from: String,
        /// The tenant and environment that they are of there.
        of: Scope,
        /// Whether values are protected with them from then on.
        used: bool,
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
    /// See [`Act::DataErase`].
    DataErase {
        /// What the values were.
        class: DataClass,
        /// Whose they were, as a keyed hash in hexadecimal digits.
        subject: String,
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
