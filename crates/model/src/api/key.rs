//! The root key: its epochs, and what is sealed with each. Never a root.

use crate::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    /// What a try at the passphrase of the root key file costs, if it is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<KeySeal>,
    /// The epoch that new things are sealed with.
    pub newest: u32,
    /// The epoch that the ledger is signed with, and that protects data outside of the house.
    pub founding: u32,
    /// Every epoch, oldest first.
    pub items: Vec<KeyEpoch>,
    /// Kinds of things that were not counted: without a node those of which the epoch is sealed,
    /// with one those that cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<String>,
    /// How far things are that move to the newest epoch, if any did since the node started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrap: Option<KeyRewrap>,
    /// Keys of classes that other homes handed over, as far as a node says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed: Vec<super::KeyHanded>,
}

/// Things that move to the newest epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRewrap {
    /// The epoch.
    pub epoch: u32,
    /// Whether it goes on.
    pub running: bool,
    /// When it began, or went on after a start.
    pub began: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How many were moved since then.
    pub moved: u64,
    /// How many were found that cannot be moved, once it ended.
    pub left: u64,
}

/// `GET /v1/keys/rewrap`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyProgress {
    /// How far things are that move to the newest epoch, if any did since the node started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrap: Option<KeyRewrap>,
}

/// `POST /v1/keys/retire`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRetireRequest {
    /// The epoch that is to go.
    pub epoch: u32,
}

/// An epoch that was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRetired {
    /// The epoch.
    pub epoch: u32,
    /// Says which root it had.
    pub fingerprint: String,
    /// The ledger entry.
    pub leaf: u64,
}

/// What a try at a passphrase costs: the parameters of Argon2id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySeal {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// An epoch of the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyEpoch {
    /// Its number.
    pub epoch: u32,
    /// When its root was drawn, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// Says which root it has, and nothing about it. Nothing if the ring does not have the epoch:
    /// what is sealed with it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What is sealed with it.
    pub things: Vec<KeyThings>,
}

/// How many things of a kind are sealed with an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyThings {
    /// What they are.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// `POST /v1/keys/rotate`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotateRequest {
    /// The newest epoch, as whoever asks saw it. If it is another one by now, somebody else was
    /// first.
    pub from: u32,
}

/// What a rotation made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotated {
    /// The new epoch.
    pub epoch: u32,
    /// Says which root it has.
    pub fingerprint: String,
    /// The ledger entry; the next start writes it if no node runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
}
