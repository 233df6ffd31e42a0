//! What the guest sees of its request and of the world.

use crate::answer;
use crate::ask::Ask;
use wasip2::cli::{environment, exit};
use wasip2::filesystem::preopens;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, OutgoingRequest, ResponseOutparam, Scheme};
use wasip2::io::streams::StreamError;

/// Leaves by `wasi:cli/exit`, with failure if `ok=1` is not given.
pub fn exit(ask: &Ask, _: ResponseOutparam) {
    exit::exit(if ask.number("ok", 0) == 1 { Ok(()) } else { Err(()) });
}

/// Lists method, scheme, authority, path and headers as they arrived.
pub fn request(ask: &Ask, out: ResponseOutparam) {
    let request = &ask.request;
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http".to_owned(),
        Some(Scheme::Https) => "https".to_owned(),
        Some(Scheme::Other(other)) => other,
        None => "none".to_owned(),
    };
    let mut report = format!(
        "method {:?}\nscheme {scheme}\nauthority {}\npath {}\n",
        request.method(),
        request.authority().unwrap_or_else(|| "none".to_owned()),
        request.path_with_query().unwrap_or_else(|| "none".to_owned()),
    );
    for (name, value) in request.headers().entries() {
        report.push_str(&format!("header {name}: {}\n", value.escape_ascii()));
    }
    answer::text(out, 200, &report);
}

/// Reads the body to its end and says how long it was, or how it broke off.
pub fn read_all(ask: &Ask, out: ResponseOutparam) {
    read(ask, out, u64::MAX);
}

/// Reads `bytes` (1) of the body and leaves the rest.
pub fn read_some(ask: &Ask, out: ResponseOutparam) {
    read(ask, out, ask.number("bytes", 1));
}

fn read(ask: &Ask, out: ResponseOutparam, bytes_max: u64) {
    let body = ask.request.consume().expect("a request has a body");
    let stream = body.stream().expect("a new body has a stream");
    let mut total = 0_u64;
    let end = loop {
        if total >= bytes_max {
            break "enough";
        }
        match stream.blocking_read((bytes_max - total).min(64 * 1024)) {
            Ok(chunk) => total += chunk.len() as u64,
            Err(StreamError::Closed) => break "the end",
            Err(StreamError::LastOperationFailed(_)) => break "an error",
        }
    };
    answer::text(out, 200, &format!("read {total} bytes until {end}\n"));
}

/// Answers without a look at the body.
pub fn read_none(_: &Ask, out: ResponseOutparam) {
    answer::text(out, 200, "not read\n");
}

/// Lists all of the environment that the guest can see: nothing, if all is well.
pub fn env(_: &Ask, out: ResponseOutparam) {
    let mut report = String::new();
    for (name, value) in environment::get_environment() {
        report.push_str(&format!("env {name}={value}\n"));
    }
    for argument in environment::get_arguments() {
        report.push_str(&format!("argument {argument}\n"));
    }
    if let Some(directory) = environment::initial_cwd() {
        report.push_str(&format!("directory {directory}\n"));
    }
    for (_, path) in preopens::get_directories() {
        report.push_str(&format!("preopen {path}\n"));
    }
    answer::text(out, 200, &report);
}

/// Calls `url` (http://127.0.0.1:1/) and reports what came of it.
pub fn outbound(ask: &Ask, out: ResponseOutparam) {
    let url = ask.text("url").unwrap_or_else(|| "http://127.0.0.1:1/".to_owned());
    let report = match fetch(&url) {
        Ok(status) => format!("status {status}\n"),
        Err(why) => format!("refused {why}\n"),
    };
    answer::text(out, 200, &report);
}

fn fetch(url: &str) -> Result<u16, String> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((other, rest)) => (Scheme::Other(other.to_owned()), rest),
        None => return Err("no scheme".to_owned()),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "path")?;
    let answer = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response.status()),
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        _ => Err("no answer".to_owned()),
    }
}
