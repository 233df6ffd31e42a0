//! `http://host.casemate.internal/`: stores and containers over plain HTTP; and functions, each under
//! a name of its own, and stores as Workers ask for them, likewise.

mod blobs;
mod keyvalue;
mod path;
mod workers;

#[cfg(any(test, fuzzing))]
pub(crate) use workers::asked as asked_of_a_namespace;

use super::accept::{self, Door};
use super::carry::{self, answered};
use super::layout::{EVENTS, FUNCTIONS, HOST, HOST_NAME};
use super::serve::{Answered, one};
use super::target::{Target, spelled};
use super::told;
use crate::seat::Seat;
use http::uri::Scheme;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use model::{Code, Problem};
use path::Path;
use ports::host::Body;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Most connections of one process at a time.
const CONNECTIONS_MAX: usize = 256;

/// Serves the interface on a listener of the jail, until the door is dropped.
///
/// # Errors
/// The runtime does not take the listener.
pub(crate) fn host(
    runtime: &Handle,
    listener: std::net::TcpListener,
    seat: Arc<Seat>,
) -> std::io::Result<Door> {
    accept::open(runtime, listener, CONNECTIONS_MAX, move |stream| serve(Arc::clone(&seat), stream))
}

/// Whether a host is this interface.
pub(super) fn is_host(host: &str) -> bool {
    let host = spelled(host);
    host == HOST_NAME || host == HOST.to_string()
}

async fn serve(seat: Arc<Seat>, stream: TcpStream) {
    let service = service_fn(|request| called(&seat, request));
    if let Err(error) = one().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection of a jail to its host ended");
    }
}

/// Answers what came to our address: it is for the interface, or for a function.
async fn called(seat: &Seat, request: Request<Incoming>) -> Answered {
    let authority = match carry::authority(&request) {
        Ok(authority) => authority,
        Err(problem) => return Ok(told::problem(&problem)),
    };
    if is_host(authority.host()) {
        return Ok(answer(seat, request).await);
    }
    let target = Target::of(&authority, 80);
    if let Some(store) = target.as_ref().and_then(|target| workers::store(&target.host)) {
        return Ok(workers::answer(seat, store, request).await);
    }
    match target {
        Some(target) if target.host.ends_with(FUNCTIONS) || target.host == EVENTS => {
            Ok(carry::within(seat, Scheme::HTTP, &target, request).await)
        }
        _ => {
            let detail = format!("{authority} is not here, but at the proxy of HTTP_PROXY");
            Ok(told::problem(&Problem::new(Code::TunnelElsewhere).detail(detail)))
        }
    }
}

/// Answers a request to the interface.
pub(super) async fn answer(seat: &Seat, request: Request<Incoming>) -> Response<Body> {
    let Some(path) = Path::read(request.uri()) else { return told::problem(&nowhere(&request)) };
    answered(match path.what.as_str() {
        "keyvalue" => keyvalue::answer(seat, &path, request).await,
        "blobs" => blobs::answer(seat, &path, request).await,
        _ => Err(nowhere(&request)),
    })
}

/// There is no such path, or not with this method.
fn nowhere<B>(request: &Request<B>) -> Problem {
    let detail = format!("{} {}", request.method(), request.uri().path());
    Problem::new(Code::NoSuchPlace).detail(detail)
}
