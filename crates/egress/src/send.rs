//! The way of one request.

use crate::checkout::Way;
use crate::door::Door;
use crate::download::{Download, Hold};
use crate::fault::{self, fail};
use crate::fields::{self, Said};
use crate::pool::Lease;
use crate::slots::Slot;
use crate::target::Target;
use crate::upload::{Flight, Upload};
use http::header::{HOST, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use ports::host::Body;
use ports::outbound::{Error, Failure, Limits, Outgoing};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Connections that waited and turned out to be closed, before a new one is made.
const STALE_MAX: usize = 3;
/// Longer waits are no different, and times beyond the clock's end would be.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Sends a request and waits for the reply's head.
pub(crate) async fn send(door: Arc<Door>, outgoing: Outgoing) -> Result<Response<Body>, Error> {
    let Outgoing { function, request, limits } = outgoing;
    let (mut parts, body) = request.into_parts();
    let target = Target::read(&parts.uri)?;
    let said = fields::clean_request(&parts.method, &parts.uri, &mut parts.headers)?;
    let slot = door.slots.take(&function)?;
    let (mut upload, flight) = Upload::new(body, said.length, Arc::clone(&slot))?;
    // hyper takes it that these have no body, and would drop one whose length was not said.
    let bare = matches!(parts.method, Method::GET | Method::HEAD);
    let chunked = bare && upload.is_there().await?;
    parts.extensions.clear();
    let form = Form::new(&parts.uri, said, chunked)?;
    let sending = Sending { way: Way { door, function, target }, form, flight, limits, slot };
    sending.run(Request::from_parts(parts, upload)).await
}

/// A request on its way.
struct Sending {
    way: Way,
    form: Form,
    flight: Flight,
    limits: Limits,
    slot: Arc<Slot>,
}

impl Sending {
    async fn run(mut self, mut request: Request<Upload>) -> Result<Response<Body>, Error> {
        let deadline = Instant::now() + self.limits.connect.min(WAIT_MAX);
        let mut tried = 0;
        loop {
            let kept = if tried < STALE_MAX { self.way.kept().await } else { None };
            let used = kept.is_some();
            let mut lease = match kept {
                Some(lease) => lease,
                None => self.way.fresh(deadline).await?,
            };
            tried += 1;
            self.form.shape(&mut request, &lease);
            let answered = tokio::select! {
                biased;
                sent = lease.send(request) => sent,
                () = self.flight.stalled(self.limits.first_byte) => {
                    lease.spoil();
                    return Err(self.fail(&lease, Failure::ReplyTimeout, "no reply in time"));
                }
            };
            match answered {
                Ok(response) => return self.answer(response, lease),
                Err(mut error) => {
                    lease.spoil();
                    // Of a request that comes back nothing was sent: the server had closed.
                    match error.take_message().filter(|_| used) {
                        Some(unsent) => request = unsent,
                        None => return Err(self.failed(&lease, error.error())),
                    }
                }
            }
        }
    }

    fn answer(self, response: Response<Incoming>, lease: Lease) -> Result<Response<Body>, Error> {
        let (mut parts, body) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let what = "another protocol, which was not asked for";
            return Err(self.fail(&lease, Failure::Protocol, what));
        }
        let size = body.size_hint().lower();
        if size > self.limits.response_bytes {
            let what = format!("a reply of {size} bytes");
            return Err(self.fail(&lease, Failure::TooLarge, &what));
        }
        fields::clean(&mut parts.headers);
        parts.extensions.clear();
        let Self { way, flight, limits, slot, .. } = self;
        let hold = Hold { way, lease: Some(lease), flight, _slot: slot };
        if body.is_end_stream() {
            hold.finish();
            let empty = Empty::new().map_err(|never| match never {}).boxed_unsync();
            return Ok(Response::from_parts(parts, empty));
        }
        let body = Download::new(body, &limits, hold).boxed_unsync();
        Ok(Response::from_parts(parts, body))
    }

    fn failed(&self, lease: &Lease, error: &hyper::Error) -> Error {
        let failure = match self.flight.broken() {
            true => Failure::RequestBody,
            false => fault::http(error),
        };
        self.fail(lease, failure, &fault::whole(error))
    }

    fn fail(&self, lease: &Lease, failure: Failure, what: &str) -> Error {
        fail(failure, format!("{} at {}: {what}", self.way.target, lease.address()))
    }
}

/// How the head is written, which differs between the versions of HTTP.
struct Form {
    absolute: Uri,
    relative: Uri,
    host: HeaderValue,
    trailers: bool,
    chunked: bool,
}

impl Form {
    fn new(uri: &Uri, said: Said, chunked: bool) -> Result<Self, Error> {
        let authority = uri.authority().map_or("", Authority::as_str);
        let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let host = HeaderValue::from_str(authority)
            .map_err(|error| fail(Failure::Request, error.to_string()))?;
        let relative = Uri::from(path);
        Ok(Self { absolute: uri.clone(), relative, host, trailers: said.trailers, chunked })
    }

    fn shape(&self, request: &mut Request<Upload>, lease: &Lease) {
        let headers = request.headers_mut();
        let (uri, version) = match lease {
            Lease::One(_) => {
                headers.remove(TE);
                headers.insert(HOST, self.host.clone());
                if self.chunked {
                    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                }
                (&self.relative, Version::HTTP_11)
            }
            Lease::Two(_) => {
                headers.remove(HOST);
                headers.remove(TRANSFER_ENCODING);
                if self.trailers {
                    headers.insert(TE, HeaderValue::from_static("trailers"));
                }
                (&self.absolute, Version::HTTP_2)
            }
        };
        *request.uri_mut() = uri.clone();
        *request.version_mut() = version;
    }
}
