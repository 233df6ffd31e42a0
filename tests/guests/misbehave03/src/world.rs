//! What the guest sees of the world.

use crate::ask::Ask;
use crate::{Answer, answer};
use wasip3::cli::{environment, exit as leave};
use wasip3::http::client;
use wasip3::http::types::{Fields, Request, Scheme};
use wasip3::wit_future;

/// Leaves by `wasi:cli/exit`.
pub async fn exit(_: Ask) -> Answer {
    leave::exit(Err(()));
    answer::text(200, "still here\n")
}

/// Lists all of the environment that the guest can see: nothing, if all is well.
pub async fn env(_: Ask) -> Answer {
    let mut report = String::new();
    for (name, value) in environment::get_environment() {
        report.push_str(&format!("env {name}={value}\n"));
    }
    for argument in environment::get_arguments() {
        report.push_str(&format!("argument {argument}\n"));
    }
    if let Some(directory) = environment::get_initial_cwd() {
        report.push_str(&format!("directory {directory}\n"));
    }
    answer::text(200, &report)
}

/// Calls http://127.0.0.1:1/, or another `port`, and reports what came of it.
pub async fn outbound(ask: Ask) -> Answer {
    let (end, trailers) = wit_future::new(|| Ok(None));
    // No trailers. As long as this is open, the request has not ended.
    drop(end);
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    let _ = request.set_scheme(Some(&Scheme::Http));
    let authority = format!("127.0.0.1:{}", ask.number("port", 1));
    let _ = request.set_authority(Some(&authority));
    let _ = request.set_path_with_query(Some("/"));
    let report = match client::send(request).await {
        Ok(response) => format!("status {}\n", response.get_status_code()),
        Err(code) => format!("refused {code:?}\n"),
    };
    answer::text(200, &report)
}
