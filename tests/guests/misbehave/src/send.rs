//! Requests to the world outside, with whatever the caller wants in them.

use crate::answer;
use crate::ask::Ask;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, StreamError};

/// Sends its own body to `url` with `method` (POST) and the fields in `fields`, which are
/// `NAME:VALUE` with `|` between them; answers with the status and the body that came back.
pub fn send(ask: &Ask, out: ResponseOutparam) {
    let report = match exchange(ask) {
        Ok((status, body)) => format!("status {status}\n{body}\n"),
        Err(why) => format!("refused {why}\n"),
    };
    answer::text(out, 200, &report);
}

fn exchange(ask: &Ask) -> Result<(u16, String), String> {
    let body = own_body(&ask.request)?;
    let request = request(ask)?;
    let length = body.len().to_string();
    if !body.is_empty() && request.headers().get("content-length").is_empty() {
        return Err(format!("say `content-length:{length}` in the fields"));
    }
    let sink = request.body().map_err(|()| "body")?;
    let answer = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    let stream = sink.write().map_err(|()| "stream")?;
    let _whole_or_refused = answer::write_all(&stream, &body);
    drop(stream);
    let _taken_or_not = OutgoingBody::finish(sink, None);
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok((response.status(), reply(&response)?)),
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        _ => Err("no answer".to_owned()),
    }
}

fn request(ask: &Ask) -> Result<OutgoingRequest, String> {
    let url = ask.text("url").ok_or("no url")?;
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    for field in ask.text("fields").unwrap_or_default().split('|').filter(|it| !it.is_empty()) {
        let (name, value) = field.split_once(':').ok_or("a field without a colon")?;
        fields.append(name, value.as_bytes()).map_err(|error| format!("{error:?}"))?;
    }
    let request = OutgoingRequest::new(fields);
    let method = ask.text("method").unwrap_or_else(|| "POST".to_owned());
    request.set_method(&Method::Other(method)).map_err(|()| "method")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path")?;
    Ok(request)
}

fn own_body(request: &IncomingRequest) -> Result<Vec<u8>, String> {
    let body = request.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    read(&stream)
}

fn reply(response: &IncomingResponse) -> Result<String, String> {
    let body = response.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    Ok(String::from_utf8_lossy(&read(&stream)?).into_owned())
}

fn read(stream: &InputStream) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(chunk) => all.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}
