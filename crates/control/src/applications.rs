//! Components and applications.

use crate::answer::{Answer, Failed, bad_request};
use crate::place::{Body, Place};
use crate::serve::Shared;
use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use model::api::{Application, DeployRequest, Deployed, Done, Page, RollbackRequest};
use model::{ApplicationName, Code, Digest, Problem};

/// Who acts, in ledger entries: this listener knows nobody else.
pub(crate) const ACTOR: &str = "operator";

fn digest(place: &Place) -> Result<Digest, Failed> {
    place.text("digest").parse().map_err(bad_request)
}

/// `PUT …/artifacts/{digest}`
pub(crate) async fn put_artifact(
    place: Place,
    State(shared): State<Shared>,
    request: Request,
) -> Answer<StatusCode> {
    let digest = digest(&place)?;
    let most = shared.artifact_bytes_max;
    // Looked at first, so that a client that asks before it sends (RFC 9110, section 10.1.1) is
    // told before it has sent anything.
    if announced(request.headers()).is_some_and(|bytes| bytes > most) {
        return Err(too_large(most));
    }
    let body = Bytes::from_request(request, &()).await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(error)
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE =>
        {
            too_large(most)
        }
        other => bad_request(other.body_text()),
    })?;
    shared.engine.put_artifact(digest, body).await?;
    Ok(StatusCode::CREATED)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(most: u64) -> Failed {
    Problem::new(Code::ArtifactTooLarge).detail(format!("at most {most} bytes are taken")).into()
}

/// `HEAD …/artifacts/{digest}`
pub(crate) async fn head_artifact(
    place: Place,
    State(shared): State<Shared>,
) -> Answer<StatusCode> {
    let there = shared.engine.has_artifact(digest(&place)?).await?;
    Ok(if there { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

/// `GET …/applications`
pub(crate) async fn list(place: Place, State(shared): State<Shared>) -> Json<Page<Application>> {
    Json(Page { items: shared.engine.applications(&place.scope), next: None })
}

/// `GET …/applications/{application}`
pub(crate) async fn show(place: Place, State(shared): State<Shared>) -> Answer<impl IntoResponse> {
    let application = place.name("application")?;
    let row = shared.engine.application(&place.scope, &application).await?;
    Ok(([(header::ETAG, format!("\"{}\"", row.deployment))], Json(row)))
}

/// `PUT …/applications/{application}`
pub(crate) async fn deploy(
    place: Place,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Body(request): Body<DeployRequest>,
) -> Answer<impl IntoResponse> {
    let application: ApplicationName = place.name("application")?;
    if application != request.manifest.application {
        let detail = format!(
            "the path names `{application}`, the manifest `{}`",
            request.manifest.application
        );
        return Err(Problem::new(Code::BadRequest).detail(detail).into());
    }
    let expected = expected(&headers)?;
    let deployed = shared.engine.deploy(&place.scope, ACTOR, request, expected).await?;
    Ok(tagged(deployed))
}

/// `POST …/applications/{application}/rollback`
pub(crate) async fn rollback(
    place: Place,
    State(shared): State<Shared>,
    Body(request): Body<RollbackRequest>,
) -> Answer<impl IntoResponse> {
    let application = place.name("application")?;
    let deployed = shared.engine.rollback(&place.scope, ACTOR, &application, request.to).await?;
    Ok(tagged(deployed))
}

/// `DELETE …/applications/{application}`
pub(crate) async fn remove(place: Place, State(shared): State<Shared>) -> Answer<Json<Done>> {
    let application = place.name("application")?;
    let leaf = shared.engine.remove(&place.scope, ACTOR, &application).await?;
    Ok(Json(Done { leaf }))
}

/// `If-Match: "3"` means: only if deployment 3 is the active one; `"0"`: only if there is none.
fn expected(headers: &HeaderMap) -> Result<Option<u32>, Failed> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim_matches('"').parse().ok());
    number
        .map(Some)
        .ok_or_else(|| bad_request("If-Match is a deployment's number in quotes, such as \"3\""))
}

fn tagged(deployed: Deployed) -> impl IntoResponse {
    ([(header::ETAG, format!("\"{}\"", deployed.deployment))], Json(deployed))
}
