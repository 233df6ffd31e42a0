//! Whose request it is: its signature, looked at before its body is read and after.

use crate::body::{Held, Room};
use crate::fault::Fault;
use crate::route::Asked;
use engine::sigv4::Sent;
use engine::{Engine, Signer};
use http::request::Parts;
use hyper::body::Incoming;
use std::net::IpAddr;

/// The service that requests are signed for.
const SERVICE: &str = "lambda";

/// A request that somebody signed, with its body.
pub(crate) struct Signed<'a> {
    pub(crate) signer: Signer,
    pub(crate) asked: Asked,
    pub(crate) body: Held<'a>,
}

/// Finds out who signed a request, and what is asked for.
///
/// # Errors
/// It is nobody's, or for nothing that is answered here.
pub(crate) async fn admit<'a>(
    engine: &Engine,
    room: &'a Room,
    head: &Parts,
    body: Incoming,
    peer: IpAddr,
) -> Result<Signed<'a>, Fault> {
    let fields: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let sent = Sent {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        fields: &fields,
    };
    let claim = engine.announced(&sent, SERVICE, peer)?;
    let asked = Asked::find(sent.method, sent.path, head.uri.query())?;
    let body = room.read(&head.headers, body, asked.bytes_max(), asked.name).await?;
    let changes = !matches!(sent.method, "GET" | "HEAD");
    let digest = engine::sha256(&body.bytes);
    let signer = engine.signer(&claim, &sent, &digest.0, peer, changes)?;
    Ok(Signed { signer, asked, body })
}
