//! What a process is told when it does not get what it asked for: problem documents (RFC 9457).
//!
//! A function knows what it asked for, so that is said. Why it was refused is in its log.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use model::{Code, Problem, problem};
use ports::host::{Body, HostError};
use ports::outbound::Failure;

/// Where the reason of a refusal is.
const LOOK: &str = "the function's log says which line of the manifest or which command would allow it: `casemate logs FUNCTION`";

/// A problem as an answer.
pub(super) fn problem(problem: &Problem) -> Response<Body> {
    let status = problem.code.status();
    let text = serde_json::to_vec(&problem.public_body(None)).unwrap_or_default();
    let mut response = Response::new(whole(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let kind = HeaderValue::from_static(problem::Body::MEDIA_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A body of bytes that are there already.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// No body.
pub(super) fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Nobody is spoken for.
pub(super) fn nobody() -> Problem {
    Problem::new(Code::NobodyInHand)
}

/// What an error of the host's is to the process that asked for `what`. `denied` is the code of a
/// refusal by the policies.
pub(super) fn of(error: &HostError, denied: Code, what: &str) -> Problem {
    match error {
        HostError::Denied => Problem::new(denied).detail(format!("{what} was denied")).hint(LOOK),
        HostError::Limit(limit) => Problem::new(Code::BudgetSpent)
            .detail(format!("{what}: the limit of {limit} is reached")),
        HostError::Invalid(why) => {
            let code = match denied {
                Code::OutboundDenied => Code::ProxyRequest,
                Code::BlobDenied => Code::BlobInvalid,
                _ => Code::KeyValueInvalid,
            };
            Problem::new(code).detail(format!("{what}: {why}"))
        }
        HostError::Upstream(failure) => {
            Problem::new(code_of(*failure)).detail(format!("{what}: {failure}"))
        }
        _ => Problem::new(Code::Internal).detail(format!("{what}: {error}")),
    }
}

const fn code_of(failure: Failure) -> Code {
    match failure {
        Failure::Request | Failure::RequestBody => Code::ProxyRequest,
        Failure::Address => Code::OutboundDenied,
        Failure::NameTimeout | Failure::ConnectTimeout | Failure::ReplyTimeout => {
            Code::UpstreamSlow
        }
        Failure::Connections | Failure::Loop => Code::BudgetSpent,
        _ => Code::UpstreamFailed,
    }
}
