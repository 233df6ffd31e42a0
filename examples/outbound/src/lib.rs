//! Tries to call another server, and says what came of it.
//!
//! Nothing was granted, so the host answers `denied`: an ordinary error, which the function can
//! handle. The address is `?url=http://host/path`; without one it is `http://example.com/`.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingRequest, ResponseOutparam, Scheme,
};

struct Outbound;

wasip2::http::proxy::export!(Outbound);

impl wasip2::exports::http::incoming_handler::Guest for Outbound {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let url = target.split_once("?url=").map_or("http://example.com/", |(_, url)| url);
        let text = match call(url) {
            Ok(status) => format!("{url} answered with status {status}\n"),
            Err(why) => format!("{url} was not called: {why}\n"),
        };
        reply::send(out, 200, reply::TEXT, text.as_bytes());
    }
}

fn call(url: &str) -> Result<u16, String> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err("the address begins with neither http:// nor https://".to_owned()),
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    };
    let request = OutgoingRequest::new(Fields::new());
    let bad = |()| "it is no address".to_owned();
    request.set_scheme(Some(&scheme)).map_err(bad)?;
    request.set_authority(Some(authority)).map_err(bad)?;
    request.set_path_with_query(Some(path)).map_err(bad)?;
    let answer = outgoing_handler::handle(request, None).map_err(why)?;
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response.status()),
        Some(Ok(Err(code))) => Err(why(code)),
        _ => Err("the host gave no answer".to_owned()),
    }
}

fn why(code: ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => "denied, since nobody granted it".to_owned(),
        other => format!("it failed ({other})"),
    }
}
