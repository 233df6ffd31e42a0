//! The calls of the Runtime API, by their paths.

use super::outcome::{Outcome, Piece, fault};
use super::receive::{self, Unread};
use super::state::State;
use super::words::{Reply, Wrong, accepted, json, text};
use super::{extension_api, facts};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use render::lambda::Failure;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

/// Most bytes of a report of an error.
pub(super) const REPORT_BYTES_MAX: u64 = 6 << 20;
/// Pieces of a stream that wait for their reader.
const PIECES_MAX: usize = 4;
/// Says in which way an answer comes.
const MODE: &str = "lambda-runtime-function-response-mode";

/// Answers one call.
pub(super) async fn answer(state: &State, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_owned();
    let Some(call) = path.strip_prefix("/2018-06-01/") else {
        return extension_api::answer(state, request).await;
    };
    let (get, post) = (request.method() == Method::GET, request.method() == Method::POST);
    let known = match call.split('/').collect::<Vec<_>>().as_slice() {
        ["ping"] if get => return text(StatusCode::OK, "pong"),
        ["runtime", "invocation", "next"] if get => next(state).await,
        ["runtime", "restore", "next"] if get => return text(StatusCode::OK, ""),
        ["runtime", "invocation", id, "response"] if post => response(state, id, request).await,
        ["runtime", "invocation", id, "error"] if post => error(state, id, request).await,
        ["runtime", "init" | "restore", "error"] if post => init_error(state, request).await,
        _ => return text(StatusCode::NOT_FOUND, "404 page not found\n"),
    };
    known.unwrap_or_else(|wrong| wrong.reply())
}

/// `GET /runtime/invocation/next`: waits for as long as it takes.
async fn next(state: &State) -> Result<Reply, Wrong> {
    match state.next()?.await {
        Ok(handed) => Ok(handed.event.map(Full::new)),
        // Somebody else asked since, or it is over.
        Err(_) => Err(Wrong::state("Ready", "Ready")),
    }
}

/// `POST /runtime/invocation/{id}/response`.
async fn response(state: &State, id: &str, request: Request<Incoming>) -> Result<Reply, Wrong> {
    let answer = state.change(|table| table.claim(id, "InvocationResponse"))?;
    let done = match request.headers().get(MODE).map(http::HeaderValue::as_bytes) {
        None => whole(state, answer, request).await,
        Some(b"streaming") => stream(state, answer, request).await,
        Some(_) => {
            let failure = Failure {
                kind: "Runtime.InvalidResponseModeHeader".to_owned(),
                message: "Invalid function response mode".to_owned(),
            };
            let _nobody = answer.send(Outcome::Failed { failure, body: None });
            Err(Wrong::response_mode())
        }
    };
    done.map(|()| accepted())
}

async fn whole(
    state: &State,
    answer: oneshot::Sender<Outcome>,
    request: Request<Incoming>,
) -> Result<(), Wrong> {
    let most = state.facts.response_bytes_max;
    let (outcome, said) = match receive::whole(request.into_body(), most).await {
        Ok(body) => (Outcome::Whole { body }, Ok(())),
        Err(Unread::TooLarge) => (failed(Failure::too_large(most)), Err(Wrong::too_large(most))),
        Err(Unread::Cut) => (failed(Failure::truncated()), Err(Wrong::truncated())),
    };
    let _nobody = answer.send(outcome);
    said
}

async fn stream(
    state: &State,
    answer: oneshot::Sender<Outcome>,
    request: Request<Incoming>,
) -> Result<(), Wrong> {
    let most = state.facts.response_bytes_max;
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let (sender, pieces): (mpsc::Sender<Piece>, _) = mpsc::channel(PIECES_MAX);
    let _nobody = answer.send(Outcome::Stream { kind, pieces });
    receive::stream(request.into_body(), most, sender).await.map_err(|unread| match unread {
        Unread::TooLarge => Wrong::too_large(most),
        Unread::Cut => Wrong::truncated(),
    })
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, body: None }
}

/// `POST /runtime/invocation/{id}/error`: the function's own words go to who called.
async fn error(state: &State, id: &str, request: Request<Incoming>) -> Result<Reply, Wrong> {
    let answer = state.change(|table| table.claim(id, "InvocationErrorResponse"))?;
    let (failure, body) = report(request).await?;
    let _nobody = answer.send(Outcome::Failed { failure, body: Some(body) });
    Ok(accepted())
}

/// `POST /runtime/init/error` and `/runtime/restore/error`.
async fn init_error(state: &State, request: Request<Incoming>) -> Result<Reply, Wrong> {
    let (failure, _) = report(request).await?;
    state.change(|table| table.init_error(fault(&failure)))?;
    Ok(accepted())
}

/// A report of an error: not all runtimes name its type in a field.
async fn report(request: Request<Incoming>) -> Result<(Failure, Bytes), Wrong> {
    let (head, body) = request.into_parts();
    let body = receive::whole(body, REPORT_BYTES_MAX).await.map_err(|unread| match unread {
        Unread::TooLarge => Wrong::too_large(REPORT_BYTES_MAX),
        Unread::Cut => Wrong::truncated(),
    })?;
    let kind = head.headers.get("lambda-runtime-function-error-type");
    let failure = Failure::reported(kind.and_then(|kind| kind.to_str().ok()), &body);
    Ok((failure, body))
}

/// What an extension is told of its function.
pub(super) fn about(state: &State, id: &str, account: bool) -> Reply {
    let mut body = json!({
        "functionName": state.facts.function,
        "functionVersion": facts::VERSION,
        "handler": state.facts.handler,
    });
    if account && let Some(body) = body.as_object_mut() {
        body.insert("accountId".to_owned(), facts::ACCOUNT.into());
    }
    with_id(json(StatusCode::OK, &body), "lambda-extension-identifier", id)
}

/// A reply with an id in a field.
pub(super) fn with_id(mut reply: Reply, name: &'static str, id: &str) -> Response<Full<Bytes>> {
    if let Ok(value) = http::HeaderValue::from_str(id) {
        reply.headers_mut().insert(name, value);
    }
    reply
}
