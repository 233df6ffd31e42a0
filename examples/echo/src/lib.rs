//! Sends the request's body back as it arrives, and says in headers what it saw of the request.
//!
//! `x-saw-authorization` is the one to look at: the token that let the caller in was meant for the
//! platform, so the function never sees it.

use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::StreamError;

struct Echo;

wasip2::http::proxy::export!(Echo);

/// Most bytes moved by one call to the host.
const CHUNK_BYTES: u64 = 64 * 1024;

impl wasip2::exports::http::incoming_handler::Guest for Echo {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let Ok(fields) = Fields::from_list(&seen(&request)) else { return };
        let response = OutgoingResponse::new(fields);
        let (Ok(incoming), Ok(sink)) = (request.consume(), response.body()) else { return };
        let (Ok(from), Ok(to)) = (incoming.stream(), sink.write()) else { return };
        // The head goes first: a long body is then never held in memory.
        ResponseOutparam::set(out, Ok(response));
        let end = loop {
            if let Err(end) = to.blocking_splice(&from, CHUNK_BYTES) {
                break end;
            }
        };
        drop(to);
        // A body that broke off is not finished, so that the client learns of it.
        if matches!(end, StreamError::Closed) {
            let _ = OutgoingBody::finish(sink, None);
        }
    }
}

fn seen(request: &IncomingRequest) -> Vec<(String, Vec<u8>)> {
    let headers = request.headers();
    let first = |name: &str| headers.get(&name.to_owned()).into_iter().next();
    let kind = first("content-type").unwrap_or_else(|| b"application/octet-stream".to_vec());
    let authorization = if headers.has(&"authorization".to_owned()) { "yes" } else { "no" };
    let target = request.path_with_query().unwrap_or_default();
    vec![
        ("content-type".to_owned(), kind),
        ("x-saw-method".to_owned(), method(&request.method()).as_bytes().to_vec()),
        ("x-saw-path".to_owned(), target.into_bytes()),
        ("x-saw-authorization".to_owned(), authorization.as_bytes().to_vec()),
    ]
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}
