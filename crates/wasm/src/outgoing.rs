//! A guest's outgoing requests on their way to the host, and the replies on their way back.
//!
//! Nothing is decided here: whatever the guest asks for is put into the host's words.

use http_body_util::BodyExt as _;
use ports::host::{Ask, Body, Host, HostCall, HostError, HostReply, HttpCall};
use ports::outbound::Failure;
use std::future::Future;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// What `wasi:http` wants back for a request: the reply, and what still has to be driven for it.
pub(crate) type Sent =
    Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

/// Asks the host to send a request.
pub(crate) async fn send(
    host: Arc<dyn Host>,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Sent {
    let (parts, body) = request.into_parts();
    let options = options.unwrap_or_default();
    let call = HttpCall {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        connect: options.connect_timeout,
        first_byte: options.first_byte_timeout,
        between_bytes: options.between_bytes_timeout,
    };
    let ask = Ask { body: Some(outgoing(body)), ..Ask::plain(HostCall::Http(call)) };
    let answer = host.call(ask).await.map_err(|error| to_wasi(&error))?;
    let HostReply::Http(head) = answer.reply.value else {
        return Err(Error::InternalError(None));
    };
    let body = answer.body.unwrap_or_else(|| {
        http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync()
    });
    let body = body.map_err(|error| to_wasi(&error)).boxed_unsync();
    Ok((http::Response::from_parts(*head, body), Box::new(std::future::ready(Ok(())))))
}

/// The guest's body as the host reads it. The guest cannot make its body fail with a text of its
/// own that would reach anybody: how it broke is all that is passed on.
fn outgoing(body: WasiBody) -> Body {
    body.map_err(|_| HostError::Upstream(Failure::RequestBody)).boxed_unsync()
}

/// The error that a guest sees.
fn to_wasi(error: &HostError) -> Error {
    match error {
        HostError::Denied => Error::HttpRequestDenied,
        HostError::Limit(what) => Error::InternalError(Some(format!("the limit of {what}"))),
        HostError::Upstream(failure) => of_failure(*failure),
        _ => Error::InternalError(None),
    }
}

fn of_failure(failure: Failure) -> Error {
    match failure {
        Failure::Request => Error::HttpProtocolError,
        Failure::Name => Error::DnsError { rcode: None, info_code: None },
        Failure::NameTimeout => Error::DnsTimeout,
        Failure::Address => Error::DestinationIpProhibited,
        Failure::Refused => Error::ConnectionRefused,
        Failure::ConnectTimeout => Error::ConnectionTimeout,
        Failure::Tls => Error::TlsProtocolError,
        Failure::Certificate => Error::TlsCertificateError,
        Failure::Connections => Error::ConnectionLimitReached,
        Failure::ReplyTimeout => Error::HttpResponseTimeout,
        Failure::Silence => Error::ConnectionReadTimeout,
        Failure::TooLarge => Error::HttpResponseBodySize(None),
        Failure::Cut => Error::ConnectionTerminated,
        Failure::RequestBody => Error::HttpRequestBodySize(None),
        Failure::Loop => Error::LoopDetected,
        _ => Error::HttpProtocolError,
    }
}
