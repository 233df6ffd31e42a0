//! `casemate invoke`: a function called by the operator, whatever its routes are.
//!
//! The guest sees the request's method, the rest of the path, the query, the body, and the
//! headers named `guest-NAME` as `NAME`; nothing else of the admin request reaches it. With
//! `prefer: respond-async` it is called later, and the answer is 202 with the invocation's id.

use crate::answer::{Answer, Failed};
use crate::functions::reference;
use crate::place::Place;
use crate::serve::Shared;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::{BodyError, RequestBody};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Most of a body that is read although nobody wants it, and for how long.
const REST_BYTES_MAX: usize = 64 << 20;
const REST_TIME: Duration = Duration::from_secs(10);
/// Before a header that is meant for the guest.
const PREFIX: &str = "guest-";

/// `ANY …/functions/{function}/invoke/{*path}`
pub(crate) async fn invoke(
    place: Place,
    State(shared): State<Shared>,
    request: Request,
) -> Response {
    match run(&place, &shared, request).await {
        Ok(response) => response,
        Err(failed) => ([("casemate-problem", "1")], failed).into_response(),
    }
}

async fn run(place: &Place, shared: &Shared, request: Request) -> Answer<Response> {
    let function = reference(place)?;
    let (parts, body) = request.into_parts();
    let host = format!("{}.fn.casemate.internal", function.name);
    let mut inner = http::Request::new(guest_body(body));
    *inner.method_mut() = parts.method;
    *inner.uri_mut() = guest_uri(parts.uri.path(), parts.uri.query());
    *inner.headers_mut() = guest_headers(&parts.headers);
    if let Ok(host) = HeaderValue::from_str(&host) {
        inner.headers_mut().insert(header::HOST, host);
    }
    if crate::queue::is_async(&parts.headers) {
        return match shared.engine.submit(&function, inner).await {
            Ok(id) => Ok(crate::queue::accepted(&place.scope, id)),
            Err(refusal) => Err(Failed(refusal.problem, refusal.invocation)),
        };
    }
    match shared.engine.invoke_direct(&function, inner).await {
        Ok(response) => Ok(response.map(Body::new).into_response()),
        Err(refusal) => Err(Failed(refusal.problem, refusal.invocation)),
    }
}

/// What follows `/functions/NAME/invoke` in the path, as it was sent: nothing is decoded.
fn guest_uri(path: &str, query: Option<&str>) -> Uri {
    let rest = path.splitn(5, '/').nth(4).unwrap_or_default();
    let mut text = format!("/{rest}");
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    PathAndQuery::try_from(text).map_or_else(|_| Uri::from_static("/"), Uri::from)
}

fn guest_headers(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        let inner =
            name.as_str().strip_prefix(PREFIX).and_then(|rest| rest.parse::<HeaderName>().ok());
        match inner {
            Some(inner) => {
                out.append(inner, value.clone());
            }
            None if *name == header::CONTENT_TYPE || *name == header::CONTENT_LENGTH => {
                out.append(name.clone(), value.clone());
            }
            None => {}
        }
    }
    out
}

fn guest_body(body: Body) -> RequestBody {
    let body = Polite(Some(body));
    body.map_frame(|frame| frame.map_data(Bytes::from))
        .map_err(|_cut| BodyError::Cut)
        .boxed_unsync()
}

/// A body whose rest is read and thrown away when nobody wants it: a client that still sends
/// would be cut off otherwise, and not see why it was refused.
struct Polite(Option<Body>);

impl http_body::Body for Polite {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Polite {
    fn drop(&mut self) {
        let Some(mut body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(tokio::time::timeout(REST_TIME, async move {
            let mut left = REST_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_path_is_what_was_sent() {
        let uri = |path, query| guest_uri(path, query).to_string();
        assert_eq!(uri("/functions/invoke/invoke/a%20b//c", Some("x=1")), "/a%20b//c?x=1");
        assert_eq!(uri("/functions/f/invoke", None), "/");
        assert_eq!(uri("/functions/f/invoke/", None), "/");
    }

    #[test]
    fn only_headers_for_the_guest_reach_it() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer operator"));
        headers.insert("guest-accept", HeaderValue::from_static("text/plain"));
        headers.insert("content-type", HeaderValue::from_static("text/csv"));
        let seen = guest_headers(&headers);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen["accept"], "text/plain");
    }
}
