//! Who may pass: the operator.

use crate::answer::Failed;
use crate::serve::Shared;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Code;

/// Lets the operator through, and says to everybody which version answers.
pub(crate) async fn operator_only(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let authorization =
        request.headers().get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    if shared.engine.is_operator(authorization) {
        next.run(request).await
    } else {
        Failed::from(Code::AdminCredential).into_response()
    }
}

/// Stamps every answer with the version, and keeps it out of caches and frames.
pub(crate) async fn stamp(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("casemate-version", HeaderValue::from_static(crate::VERSION));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
