//! Keys of classes that one home hands to another, sealed.

use crate::{DataClass, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most classes of one file.
pub const CLASSES_MAX: usize = 64;

/// The public key of a tenant's environment: `GET …/keys/public`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyPublic {
    /// The key, as other homes are told it.
    pub key: String,
    /// The same in short, for people who compare it.
    pub fingerprint: String,
}

/// Has keys of classes sealed for another home: `POST …/keys/export`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyExportRequest {
    /// The classes, 1 to 64.
    pub classes: Vec<DataClass>,
    /// The other home's public key.
    pub to: String,
}

/// Keys that were sealed for another home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyExported {
    /// The ledger entry.
    pub leaf: u64,
    /// The text of the file.
    pub file: String,
}

/// Takes keys that another home sealed for this one: `POST …/keys/import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyImportRequest {
    /// The text of the file.
    pub file: String,
    /// The public key of the home that it is from, as its people said.
    pub from: String,
    /// The tenant and environment that the keys are of there, if they have other names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Scope>,
    /// Protect values of these classes with them from now on, so that equal values become equal in
    /// both homes.
    #[serde(default, rename = "use", skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
}

/// Keys that were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyImported {
    /// The ledger entry; nothing if all was there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// The keys.
    pub keys: Vec<KeyHanded>,
}

/// Keys of one class that another home handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyHanded {
    /// The tenant and environment that they are used in.
    pub scope: Scope,
    /// The class.
    pub class: DataClass,
    /// The public key of the home that they are from.
    pub from: String,
    /// The tenant and environment that they are of there.
    pub of: Scope,
    /// Their version, as it stands in tokens.
    pub version: u32,
    /// Whether values are protected with them.
    pub used: bool,
}
