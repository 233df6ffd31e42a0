//! Requests, and bodies of both directions.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::OutputStream;

/// Posts a body to `http://HOST/PATH`, and says what came of it.
pub fn post(url: &str, kind: &[u8], body: &[u8]) -> String {
    exchange(url, kind, body).unwrap_or_else(|why| format!("refused {why}"))
}

fn exchange(url: &str, kind: &[u8], body: &[u8]) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or("no address")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    let length = body.len().to_string();
    for (name, value) in [("content-type", kind), ("content-length", length.as_bytes())] {
        fields.append(name, value).map_err(|error| format!("{error:?}"))?;
    }
    let request = OutgoingRequest::new(fields);
    request.set_method(&Method::Post).map_err(|()| "method")?;
    request.set_scheme(Some(&Scheme::Http)).map_err(|()| "scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path")?;
    let sink = request.body().map_err(|()| "body")?;
    let answer = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    let stream = sink.write().map_err(|()| "stream")?;
    write_all(&stream, body);
    drop(stream);
    let _taken_or_not = OutgoingBody::finish(sink, None);
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => {
            let mut said = format!("status {}", response.status());
            for (name, value) in response.headers().entries() {
                said.push_str(&format!("\nreply header {name}: {}", value.escape_ascii()));
            }
            let body = response.consume().map(|body| read(&body)).unwrap_or_default();
            Ok(format!("{said}\nreply {}", String::from_utf8_lossy(&body)))
        }
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        _ => Err("no answer".to_owned()),
    }
}

/// Reads a body to its end, or as far as it goes.
pub fn read(body: &IncomingBody) -> Vec<u8> {
    let mut all = Vec::new();
    let Ok(stream) = body.stream() else { return all };
    while let Ok(chunk) = stream.blocking_read(64 * 1024) {
        all.extend_from_slice(&chunk);
    }
    all
}

/// Writes all, or as much as is taken.
pub fn write_all(stream: &OutputStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let Ok(permit) = stream.check_write() else { return };
        if permit == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(bytes.len().min(permit as usize));
        if stream.write(now).is_err() {
            return;
        }
        bytes = later;
    }
}
