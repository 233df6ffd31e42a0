//! Problems as answers of the admin API.
//!
//! Who asks here may look inside, so the reason that strangers never see goes along as `reason`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::problem::Body;
use model::{Code, InvocationId, Problem};
use serde::Serialize;

/// What a handler gives back.
pub(crate) type Answer<T> = Result<T, Failed>;

/// A problem on its way out.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) Problem, pub(crate) Option<InvocationId>);

#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    body: Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self(problem, None)
    }
}

impl From<Code> for Failed {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Self(problem, invocation) = self;
        if problem.code.status() >= 500 {
            tracing::warn!(code = %problem.code, internal = problem.internal, "an admin request failed");
        }
        let body = problem.public_body(invocation);
        let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response =
            (status, Json(Document { body, reason: problem.internal })).into_response();
        let media_type = HeaderValue::from_static(Body::MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A request that does not fit the API.
pub(crate) fn bad_request(detail: impl std::fmt::Display) -> Failed {
    Problem::new(Code::BadRequest).detail(detail).into()
}
