//! What is kept of the request that opened a WebSocket: where it was for, where it came from, and
//! the credential that it showed.
//!
//! All of it is copied: a piece of the request's head would keep the whole head in memory for as
//! long as the connection lasts.

use crate::invoke::Inbound;
use crate::stage::Received;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use std::net::IpAddr;
use std::sync::Arc;

/// Beginnings of names that a door writes about where a request came from.
const FORWARDED: [&str; 2] = ["forwarded", "x-forwarded-"];

/// What is kept of a request.
pub(crate) struct Kept {
    uri: Uri,
    peer: Option<IpAddr>,
    certificate: Option<Arc<[u8]>>,
    /// What is said in every request of the connection.
    fields: Vec<(HeaderName, HeaderValue)>,
    /// Where callers show who they are, as far as anything stood there.
    shown: Vec<(HeaderName, HeaderValue)>,
}

impl Kept {
    /// Copies from a request that nobody took anything from yet. `credentials` are fields where
    /// tokens of issuers may stand.
    pub(super) fn of<'a>(received: &Received, credentials: impl Iterator<Item = &'a str>) -> Self {
        let request = &received.request;
        let headers = request.headers();
        let constant = |name: &HeaderName| {
            *name == HOST || FORWARDED.iter().any(|start| name.as_str().starts_with(start))
        };
        let constant = headers.iter().filter(|(name, _)| constant(name));
        let mut names: Vec<HeaderName> =
            credentials.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect();
        names.push(AUTHORIZATION);
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        let shown = names.iter().filter_map(|name| Some((name, headers.get(name)?)));
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        Self {
            uri: target.parse().unwrap_or_default(),
            peer: received.peer,
            certificate: received.certificate.clone(),
            fields: copies(constant),
            shown: copies(shown),
        }
    }

    /// Forgets what was no credential: what the engine left in the request belongs to the guest.
    pub(super) fn without(mut self, left: &HeaderMap) -> Self {
        self.shown.retain(|(name, _)| !left.contains_key(name));
        self.shown.shrink_to_fit();
        self
    }

    /// A request of the same client, with the same credential, for the same place.
    pub(super) fn request(&self, content_type: Option<&'static str>, body: Bytes) -> Inbound {
        let mut headers = HeaderMap::with_capacity(self.fields.len() + self.shown.len() + 6);
        for (name, value) in self.fields.iter().chain(&self.shown) {
            headers.append(name, value.clone());
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let mut request =
            Request::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        // A request that came from nowhere opens no WebSocket: the door always says from where.
        let peer = self.peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
        Inbound { request, peer, certificate: self.certificate.clone(), noted: None }
    }
}

/// Fields with memory of their own.
fn copies<'a>(
    fields: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    let copy = |(name, value): (&HeaderName, &HeaderValue)| {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        copy.set_sensitive(true);
        Some((name, copy))
    };
    let mut copies: Vec<_> = fields.filter_map(copy).collect();
    copies.shrink_to_fit();
    copies
}
