//! What concerns the node as a whole.

use crate::answer::Answer;
use crate::place::Params;
use crate::serve::Shared;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::api::{
    Finding, Interpreter, KeyExportRequest, KeyExported, KeyImportRequest, KeyImported, KeyPublic,
    KeyRetired, KeyRewrap, KeyRotated, Keys, Node, Page,
};
use model::{Problem, Scope, Secret};
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;

/// A boxed future, as the node's operations return it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Pieces of a backup, as they become ready.
pub type Pieces = futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>;

/// What a backup holds beside everything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct With {
    /// The root key: whoever has the backup can read everything in it.
    pub root_key: bool,
    /// The salts of subjects whose values can be erased: what is erased later is not erased in it.
    pub salts: bool,
}

/// What only the node knows how to do.
pub trait Operations: Send + Sync {
    /// What the node says about itself.
    fn describe(&self) -> Node;
    /// Looks at the node's health.
    fn doctor(&self) -> Pending<'_, Vec<Finding>>;
    /// Makes a backup while the node runs, as a tar stream.
    fn backup(&self, with: With) -> Pending<'_, Result<Pieces, Problem>>;
    /// The root key's epochs, and what is sealed with each.
    fn keys(&self) -> Pending<'_, Result<Keys, Problem>>;
    /// Adds an epoch to the root key, unless the newest is not `from`.
    fn rotate_key<'a>(
        &'a self,
        actor: &'a str,
        from: u32,
    ) -> Pending<'a, Result<KeyRotated, Problem>>;
    /// Begins to move what is stored to the newest epoch.
    fn rewrap_keys<'a>(&'a self, actor: &'a str) -> Pending<'a, Result<KeyRewrap, Problem>>;
    /// How far things are that move to the newest epoch, if any did since the node started.
    fn rewrap(&self) -> Option<KeyRewrap>;
    /// Takes an epoch out that nothing is sealed with.
    fn retire_key<'a>(
        &'a self,
        actor: &'a str,
        epoch: u32,
    ) -> Pending<'a, Result<KeyRetired, Problem>>;
    /// The public key of a tenant's environment.
    ///
    /// # Errors
    /// The library failed.
    fn public_key(&self, scope: &Scope) -> Result<KeyPublic, Problem>;
    /// Keys of classes, sealed for another home.
    fn export_keys<'a>(
        &'a self,
        actor: &'a str,
        scope: &'a Scope,
        request: KeyExportRequest,
    ) -> Pending<'a, Result<KeyExported, Problem>>;
    /// Takes keys of classes that another home sealed for this one.
    fn import_keys<'a>(
        &'a self,
        actor: &'a str,
        scope: &'a Scope,
        request: KeyImportRequest,
    ) -> Pending<'a, Result<KeyImported, Problem>>;
    /// A copy of the root key, sealed if there is a passphrase.
    fn copy_key<'a>(
        &'a self,
        actor: &'a str,
        passphrase: Option<Secret<Vec<u8>>>,
    ) -> Pending<'a, Result<Secret<Vec<u8>>, Problem>>;
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: new invocations are taken.
pub(crate) async fn ready(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if shared.engine.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

/// `GET /v1/node`
pub(crate) async fn describe(State(shared): State<Shared>) -> Json<Node> {
    Json(shared.operations.describe())
}

/// `GET /v1/doctor`
pub(crate) async fn doctor(State(shared): State<Shared>) -> Json<Page<Finding>> {
    Json(Page { items: shared.operations.doctor().await, next: None })
}

/// `GET /v1/runtimes`
pub(crate) async fn runtimes(State(shared): State<Shared>) -> Json<Page<Interpreter>> {
    Json(Page { items: shared.engine.interpreters().await, next: None })
}

/// `GET /v1/backup`
pub(crate) async fn backup(
    State(shared): State<Shared>,
    Params(with): Params<With>,
) -> Answer<Response> {
    let pieces = shared.operations.backup(with).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], Body::from_stream(pieces)).into_response())
}
