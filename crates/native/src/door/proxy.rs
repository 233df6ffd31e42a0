//! The proxy that `HTTP_PROXY` and `HTTPS_PROXY` name.

use super::accept::{self, Door};
use super::authority::Authority;
use super::carry::{absolute, answered};
use super::serve::{Answered, one};
use super::target::Target;
use super::{api, metadata, told, tunnel};
use crate::seat::Seat;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use model::{Code, Problem};
use parking_lot::Mutex;
use ports::host::Body;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Most connections of one process at a time.
const CONNECTIONS_MAX: usize = 256;

/// Whether TLS may pass without a look inside, where the host lets it. A process that trusts its jail's
/// authority alone would take no server for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// The jail's files have no other authority: all TLS ends here.
    Never,
    /// They have public ones, too.
    Permitted,
}

/// What a connection needs to know.
pub(super) struct Desk {
    pub(super) seat: Arc<Seat>,
    pub(super) authority: Arc<Authority>,
    pub(super) passing: Passing,
}

/// Serves the proxy on a listener of the jail, until the door is dropped.
///
/// # Errors
/// The runtime does not take the listener.
pub(crate) fn proxy(
    runtime: &Handle,
    listener: std::net::TcpListener,
    seat: Arc<Seat>,
    authority: Arc<Authority>,
    passing: Passing,
) -> std::io::Result<Door> {
    let desk = Arc::new(Desk { seat, authority, passing });
    accept::open(runtime, listener, CONNECTIONS_MAX, move |stream| serve(Arc::clone(&desk), stream))
}

/// A tunnel that was asked for, and the connection that becomes one.
type Asked = (Target, OnUpgrade);

async fn serve(desk: Arc<Desk>, stream: TcpStream) {
    let asked: Mutex<Option<Asked>> = Mutex::new(None);
    let service = service_fn(|request| answer(&desk, &asked, request));
    let served = one().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of a jail to its proxy ended");
        return;
    }
    let Some((target, upgrade)) = asked.into_inner() else { return };
    let Ok(upgraded) = upgrade.await else { return };
    if let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() {
        tunnel::serve(&desk, &target, parts.read_buf, parts.io.into_inner()).await;
    }
}

async fn answer(
    desk: &Desk,
    asked: &Mutex<Option<Asked>>,
    mut request: Request<Incoming>,
) -> Answered {
    if request.method() != Method::CONNECT {
        return Ok(forward(desk, request).await);
    }
    let opened = open(&request);
    Ok(answered(opened.map(|target| {
        *asked.lock() = Some((target, hyper::upgrade::on(&mut request)));
        Response::new(told::nothing())
    })))
}

/// Whether a tunnel is opened. Nothing is dialled for it: what comes through says what is wanted.
fn open(request: &Request<Incoming>) -> Result<Target, Problem> {
    let target = Target::of_tunnel(request.uri()).ok_or_else(|| {
        Problem::new(Code::ProxyRequest).detail("a tunnel is asked for as `CONNECT host:port`")
    })?;
    if metadata::is_metadata(&target.host) {
        let detail = format!("{} was asked for", target.host);
        return Err(Problem::new(Code::NoMetadata).detail(detail));
    }
    Ok(target)
}

async fn forward(desk: &Desk, request: Request<Incoming>) -> Response<Body> {
    let scheme = request.uri().scheme_str();
    if !matches!(scheme, Some("http" | "https")) || request.uri().authority().is_none() {
        let detail = "a request to the proxy has a URL that begins with http:// or https://";
        return told::problem(&Problem::new(Code::ProxyRequest).detail(detail));
    }
    if request.uri().host().is_some_and(api::is_host) {
        return api::answer(&desk.seat, request).await;
    }
    absolute(&desk.seat, request).await
}
