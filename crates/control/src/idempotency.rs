//! `Idempotency-Key`: a write that is sent twice is done once, and answered twice.
//!
//! The key belongs to the tenant and environment; the same key with another request is refused.
//! Answers of the server's own failures are not kept, so that a retry can succeed.

use crate::answer::{Failed, bad_request};
use crate::place::Place;
use crate::serve::Shared;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::Kept;
use model::{Code, Scope};

/// Most bytes of a request or an answer under a key.
const BYTES_MAX: usize = 32 << 20;
/// Longest key.
const KEY_CHARS_MAX: usize = 255;

/// Answers a repeated write from memory.
pub(crate) async fn once(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match keyed(&shared, request, next).await {
        Ok(response) => response,
        Err(failed) => failed.into_response(),
    }
}

async fn keyed(shared: &Shared, request: Request, next: Next) -> Result<Response, Failed> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(key) = request.headers().get("idempotency-key").filter(|_| !reads) else {
        return Ok(next.run(request).await);
    };
    let key = key.clone();
    let (mut parts, body) = request.into_parts();
    let place = Place::from_request_parts(&mut parts, &()).await?;
    let key = stored_key(&place.scope, &key)
        .ok_or_else(|| bad_request("Idempotency-Key is 1 to 255 printable ASCII characters"))?;
    let body = to_bytes(body, BYTES_MAX)
        .await
        .map_err(|error| bad_request(format!("the body: {error}")))?;
    let mut seen = format!("{} {}\n", parts.method, parts.uri).into_bytes();
    seen.extend_from_slice(&body);
    let digest = engine::sha256(&seen);
    if let Some(kept) = shared.engine.recall(&key).await? {
        return if kept.request == digest {
            Ok(replay(kept))
        } else {
            Err(Code::IdempotencyReuse.into())
        };
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, BYTES_MAX)
        .await
        .map_err(|error| bad_request(format!("the answer: {error}")))?;
    if !parts.status.is_server_error() {
        let kept = Kept { request: digest, status: parts.status.as_u16(), body: body.to_vec() };
        shared.engine.keep(&key, kept).await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What an answer is stored under: no two places and keys share it. None if the key is none.
pub(crate) fn stored_key(scope: &Scope, key: &HeaderValue) -> Option<String> {
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    let text = key.to_str().ok().filter(|text| text.bytes().all(|byte| printable(&byte)))?;
    (1..=KEY_CHARS_MAX).contains(&text.len()).then(|| format!("{scope} {text}"))
}

fn replay(kept: Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let media_type =
        if status.is_success() { "application/json" } else { model::problem::Body::MEDIA_TYPE };
    (
        status,
        [
            (header::CONTENT_TYPE, media_type),
            (header::HeaderName::from_static("idempotent-replayed"), "true"),
        ],
        kept.body,
    )
        .into_response()
}
