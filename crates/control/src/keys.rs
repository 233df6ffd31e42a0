//! The root key: its epochs, a rotation, things that move to the newest, an epoch that goes, a copy.
//! A root goes out sealed, unless it is asked for otherwise in so many words.

use crate::answer::{Answer, bad_request};
use crate::applications::ACTOR;
use crate::place::{Body, Params, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use model::Secret;
use model::api::{
    KeyExportRequest, KeyExported, KeyImportRequest, KeyImported, KeyProgress, KeyPublic,
    KeyRetireRequest, KeyRetired, KeyRewrap, KeyRotateRequest, KeyRotated, Keys,
};
use serde::Deserialize;

/// Most bytes of a passphrase that are looked at: more than it may have.
const PASSPHRASE_BYTES: usize = 2048;

/// `GET /v1/keys`
pub(crate) async fn show(State(shared): State<Shared>) -> Answer<Json<Keys>> {
    Ok(Json(shared.operations.keys().await?))
}

/// `POST /v1/keys/rotate`
pub(crate) async fn rotate(
    State(shared): State<Shared>,
    Body(request): Body<KeyRotateRequest>,
) -> Answer<Json<KeyRotated>> {
    Ok(Json(shared.operations.rotate_key(ACTOR, request.from).await?))
}

/// `POST /v1/keys/rewrap`: begins it.
pub(crate) async fn rewrap(State(shared): State<Shared>) -> Answer<Json<KeyRewrap>> {
    Ok(Json(shared.operations.rewrap_keys(ACTOR).await?))
}

/// `GET /v1/keys/rewrap`
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<KeyProgress> {
    Json(KeyProgress { rewrap: shared.operations.rewrap() })
}

/// `POST /v1/keys/retire`
pub(crate) async fn retire(
    State(shared): State<Shared>,
    Body(request): Body<KeyRetireRequest>,
) -> Answer<Json<KeyRetired>> {
    Ok(Json(shared.operations.retire_key(ACTOR, request.epoch).await?))
}

/// `GET …/keys/public`
pub(crate) async fn public(place: Place, State(shared): State<Shared>) -> Answer<Json<KeyPublic>> {
    Ok(Json(shared.operations.public_key(&place.scope)?))
}

/// `POST …/keys/export`
pub(crate) async fn export(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<KeyExportRequest>,
) -> Answer<Json<KeyExported>> {
    Ok(Json(shared.operations.export_keys(ACTOR, &place.scope, request).await?))
}

/// `POST …/keys/import`
pub(crate) async fn import(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<KeyImportRequest>,
) -> Answer<Json<KeyImported>> {
    Ok(Json(shared.operations.import_keys(ACTOR, &place.scope, request).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyParams {
    #[serde(default)]
    plain: bool,
}

/// `POST /v1/keys/backup`: the body is the passphrase that the copy is sealed with, as it is.
pub(crate) async fn backup(
    State(shared): State<Shared>,
    Params(params): Params<CopyParams>,
    request: Request,
) -> Answer<Response> {
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|error| bad_request(error.body_text()))?;
    if params.plain && !body.is_empty() {
        return Err(bad_request("a copy is plain or has a passphrase".to_owned()));
    }
    let kept = body.get(..PASSPHRASE_BYTES).unwrap_or(&body);
    let passphrase = (!params.plain).then(|| Secret::new(kept.to_vec()));
    let copy = shared.operations.copy_key(ACTOR, passphrase).await?;
    let text = copy.expose().clone();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
