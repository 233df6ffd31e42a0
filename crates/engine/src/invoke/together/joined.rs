//! Several calls that are permitted, as one.

use crate::data::Taken;
use crate::invoke::Origin;
use crate::stage::Permitted;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use model::InvocationId;
use model::wire::v1::Trigger;
use std::sync::Arc;

/// One call in the place of several of one caller: it goes where they go, brings all of them, and is
/// known to contain all that they are known to contain.
pub(super) fn joined(
    all: Vec<Permitted>,
    id: InvocationId,
    trigger: Trigger,
    (kind, body): (&'static str, String),
) -> Option<Permitted> {
    let mut all = all.into_iter();
    let mut whole = all.next()?;
    let received = &mut whole.identified.throttled.received;
    let mut taken: Option<Box<Taken>> = received.taken.take();
    let mut origins = vec![received.origin.take()];
    for other in all {
        let other = other.identified.throttled.received;
        origins.push(other.origin);
        let Some(more) = other.taken else { continue };
        match &mut taken {
            Some(taken) => taken.join(*more),
            None => taken = Some(more),
        }
    }
    received.id = id;
    // Each may have come from elsewhere.
    received.peer = None;
    received.taken = taken;
    received.origin = above(&origins, id);
    let (uri, length) = (received.request.uri().clone(), body.len());
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    received.request = http::Request::new(body);
    *received.request.method_mut() = Method::POST;
    *received.request.uri_mut() = uri;
    let headers = received.request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    whole.identified.trigger = trigger;
    Some(whole)
}

/// Where in the tree of calls it is: as deep as the deepest of them, and below what all of them are
/// below. If they come from several trees, it is the first of its own.
fn above(origins: &[Option<Origin>], id: InvocationId) -> Option<Origin> {
    let depth = origins.iter().flatten().map(|it| it.depth).max()?;
    let purse = origins.iter().flatten().next().map(|it| Arc::clone(&it.purse))?;
    let same = |of: fn(&Origin) -> Option<InvocationId>| {
        let mut all = origins.iter().map(|it| it.as_ref().and_then(of));
        let first = all.next().flatten();
        first.filter(|first| all.all(|it| it.as_ref() == Some(first)))
    };
    let root = same(|it| Some(it.root)).unwrap_or(id);
    Some(Origin { root, parent: same(|it| it.parent), depth, purse, taken: None })
}
