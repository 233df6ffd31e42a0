//! Secrets that functions use. Values come in and never go out.

use crate::answer::{Answer, Failed, bad_request};
use crate::applications::ACTOR;
use crate::place::Place;
use crate::serve::Shared;
use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use bytes::Bytes;
use model::api::{Page, SecretInfo, SecretWritten};
use model::{Secret, vault};

/// `GET …/secrets`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<SecretInfo>> {
    Json(Page { items: shared.engine.secrets(&place.scope), next: None })
}

/// `PUT …/secrets/{name}`: the body is the value, as it is.
pub(crate) async fn set(
    place: Place,
    State(shared): State<Shared>,
    request: Request,
) -> Answer<Json<SecretWritten>> {
    put(&place, &shared, request, false).await
}

/// `POST …/secrets/{name}/rotate`: the body is the value, as it is.
pub(crate) async fn rotate(
    place: Place,
    State(shared): State<Shared>,
    request: Request,
) -> Answer<Json<SecretWritten>> {
    put(&place, &shared, request, true).await
}

/// `DELETE …/secrets/{name}`
pub(crate) async fn remove(
    place: Place,
    State(shared): State<Shared>,
) -> Answer<Json<SecretWritten>> {
    let name = place.name("name")?;
    Ok(Json(shared.engine.remove_secret(&place.scope, ACTOR, &name).await?))
}

async fn put(
    place: &Place,
    shared: &Shared,
    request: Request,
    rotate: bool,
) -> Answer<Json<SecretWritten>> {
    let name = place.name("name")?;
    let value = value(request).await?;
    Ok(Json(shared.engine.put_secret(&place.scope, ACTOR, &name, value, rotate).await?))
}

/// The body, up to one byte more than a secret may have: the engine says what is wrong then.
async fn value(request: Request) -> Result<Secret<Vec<u8>>, Failed> {
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|error| bad_request(error.body_text()))?;
    let kept = body.get(..=vault::VALUE_BYTES_MAX).unwrap_or(&body);
    Ok(Secret::new(kept.to_vec()))
}
