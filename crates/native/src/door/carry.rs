//! A request that a process sends, as an ask of the host, and the reply as the process gets it.

use super::ask::ask;
use super::target::{Target, port_of};
use super::{fields, metadata, told};
use crate::seat::Seat;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, Uri, Version};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use model::{Code, Labelled, Labels, Problem};
use ports::host::{Ask, Body, HostCall, HostError, HostReply, HttpCall};
use ports::outbound::Failure;

/// Carries a request whose own URL says where it goes. What its `host` field says is nothing to us
/// (RFC 9112, section 3.2.2).
pub(super) async fn absolute(seat: &Seat, mut request: Request<Incoming>) -> Response<Body> {
    request.headers_mut().remove(HOST);
    answered(carry(seat, request).await)
}

/// Carries a request that came through a tunnel to `target`, or to an address that is `target`'s: it
/// has to be for there.
pub(super) async fn within(
    seat: &Seat,
    scheme: Scheme,
    target: &Target,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let elsewhere = |said: &str| {
        let detail = format!("it is for {said:?}, and the tunnel is to {target}");
        told::problem(&Problem::new(Code::TunnelElsewhere).detail(detail))
    };
    let said = match authority(&request) {
        Ok(said) => said,
        Err(problem) => return told::problem(&problem),
    };
    if Target::of(&said, port_of(scheme.as_str())).as_ref() != Some(target) {
        return elsewhere(said.as_str());
    }
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(scheme).authority(said).path_and_query(path).build();
    let Ok(uri) = uri else { return elsewhere("nothing") };
    *request.uri_mut() = uri;
    absolute(seat, request).await
}

/// Whom a request within a tunnel, or one to our own address, is for.
///
/// # Errors
/// It does not say, or says it twice.
pub(super) fn authority(request: &Request<Incoming>) -> Result<Authority, Problem> {
    let wrong = |why: &str| Problem::new(Code::ProxyRequest).detail(why);
    if let Some(authority) = request.uri().authority() {
        return Ok(authority.clone());
    }
    let mut fields = request.headers().get_all(HOST).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return Err(wrong("a request has exactly one `host` field"));
    };
    field.as_bytes().try_into().map_err(|_| wrong("the `host` field names no host"))
}

/// The response, whatever came of it.
pub(super) fn answered(result: Result<Response<Body>, Problem>) -> Response<Body> {
    result.unwrap_or_else(|problem| told::problem(&problem))
}

async fn carry(seat: &Seat, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
    let (mut head, body) = request.into_parts();
    let host = head.uri.host().unwrap_or_default();
    if metadata::is_metadata(host) {
        return Err(Problem::new(Code::NoMetadata).detail(format!("{host} was asked for")));
    }
    if fields::wants_upgrade(&head.headers) {
        return Err(Problem::new(Code::NoUpgrade));
    }
    fields::clean(&mut head.headers);
    let what = named(&head.method, &head.uri);
    let call = HttpCall {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        connect: None,
        first_byte: None,
        between_bytes: None,
    };
    let call = Labelled { value: HostCall::Http(call), labels: Labels::NONE };
    let (reply, body) =
        ask(seat, Ask { call, body: leaving(body) }, Code::OutboundDenied, &what).await?;
    let HostReply::Http(head) = reply else { return Err(Problem::new(Code::Internal)) };
    let mut response = Response::from_parts(*head, body);
    *response.version_mut() = Version::HTTP_11;
    fields::clean(response.headers_mut());
    Ok(response)
}

/// What the process sends, for the host to read.
pub(super) fn leaving(body: Incoming) -> Option<Body> {
    let body = (!body.is_end_stream()).then_some(body)?;
    Some(body.map_err(|_| HostError::Upstream(Failure::RequestBody)).boxed_unsync())
}

/// A request by its method and its URL without what may be secret in it.
fn named(method: &Method, uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    format!("{method} {scheme}://{place}{}", uri.path())
}
