//! What is deployed: rows as the registry keeps them.

use crate::manifest::{FunctionSpec, Manifest};
use crate::{ApplicationName, Digest, FunctionRef, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A function as it is now: the active revision of an active deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionRow {
    /// Its full name.
    pub function: FunctionRef,
    /// The application that it belongs to.
    pub application: ApplicationName,
    /// The application's active deployment.
    pub deployment: u32,
    /// The function's revision: counts up with every change of code or settings, from 1.
    pub revision: u32,
    /// SHA-256 over the revision's settings and its component's digest.
    pub digest: Digest,
    /// The component.
    pub artifact: Digest,
    /// The settings.
    pub spec: FunctionSpec,
}

/// One revision of a function. Immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionRow {
    /// Its number.
    pub revision: u32,
    /// SHA-256 over the settings and the component's digest.
    pub digest: Digest,
    /// The component.
    pub artifact: Digest,
    /// The deployment that made it.
    pub deployment: u32,
    /// When.
    pub created: Timestamp,
    /// Whether it is the one that answers now.
    pub active: bool,
}

/// One deployment of an application. Immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentRow {
    /// Its number: counts up from 1 for each application.
    pub deployment: u32,
    /// When.
    pub created: Timestamp,
    /// Who.
    pub by: String,
    /// Whether it is the active one.
    pub active: bool,
    /// What was deployed.
    pub manifest: Manifest,
}
