//! What a runtime answered, and what becomes of it.

use super::super::{Answer, AnswerBody};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use model::manifest::EventForm;
use ports::executor::{Fault, FaultKind, Manner};
use render::lambda::{Failure, PRELUDE_TYPE, Prelude, Read, reply};
use tokio::sync::mpsc;

/// What a runtime answered to an invocation.
pub(super) enum Outcome {
    /// All of it.
    Whole {
        /// Its bytes.
        body: Bytes,
    },
    /// The beginning of it.
    Stream {
        /// What it says it is.
        kind: Option<HeaderValue>,
        /// The rest.
        pieces: mpsc::Receiver<Piece>,
    },
    /// The function failed.
    Failed {
        /// How.
        failure: Failure,
        /// In the runtime's own words, if it had some.
        body: Option<Bytes>,
    },
}

/// A piece of a streamed answer. Without an end, the answer broke off.
pub(super) enum Piece {
    /// Bytes.
    Data(Bytes),
    /// There is no more.
    End,
    /// The function failed on its way.
    Failed(Fault),
}

/// The fault that a failure is.
pub(super) fn fault(failure: &Failure) -> Fault {
    let kind = match failure.kind.as_str() {
        "Function.ResponseSizeTooLarge" => FaultKind::ResponseTooLarge,
        "Runtime.TruncatedResponse" => FaultKind::BadResponse,
        _ => FaultKind::GuestError,
    };
    Fault { kind, reason: failure.to_string() }
}

/// The answer to who called.
pub(super) async fn answer(
    outcome: Outcome,
    manner: Manner,
    form: EventForm,
) -> Result<Answer, Fault> {
    match (outcome, manner) {
        (Outcome::Whole { body }, Manner::Request) => {
            let response = reply(form, &body).map_err(|why| bad(why.to_string()))?;
            Ok(good(response.map(whole)))
        }
        (Outcome::Whole { body }, Manner::Event) => Ok(good(json(body))),
        (Outcome::Stream { kind, pieces }, Manner::Request)
            if kind.as_ref().is_some_and(prelude) =>
        {
            begun(pieces).await.map(good)
        }
        (Outcome::Stream { kind, pieces }, _) => {
            let mut response = Response::new(rest(Bytes::new(), pieces));
            let octets = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(CONTENT_TYPE, kind.unwrap_or(octets));
            Ok(good(response))
        }
        (Outcome::Failed { failure, .. }, Manner::Request) => Err(fault(&failure)),
        (Outcome::Failed { failure, body }, Manner::Event) => {
            let mut response = json(body.unwrap_or_else(|| failure.body()));
            let unhandled = HeaderValue::from_static("Unhandled");
            response.headers_mut().insert("x-amz-function-error", unhandled);
            Ok(Answer { response, failed: Some(fault(&failure)) })
        }
    }
}

/// Reads a prelude off the pieces.
async fn begun(mut pieces: mpsc::Receiver<Piece>) -> Result<Response<AnswerBody>, Fault> {
    let mut prelude = Prelude::default();
    loop {
        match pieces.recv().await {
            Some(Piece::Data(bytes)) => {
                let read = prelude.push(&bytes).map_err(|why| bad(why.to_string()))?;
                if let Read::Whole(response) = read {
                    return Ok(response.map(|begin| rest(begin, pieces)));
                }
            }
            Some(Piece::Failed(fault)) => return Err(fault),
            Some(Piece::End) => return Err(bad("its stream ended within its prelude".to_owned())),
            None => return Err(fault(&Failure::truncated())),
        }
    }
}

fn good(response: Response<AnswerBody>) -> Answer {
    Answer { response, failed: None }
}

fn json(body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = StatusCode::OK;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn whole(body: Bytes) -> AnswerBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// A body that has begun, and goes on with pieces.
fn rest(begin: Bytes, pieces: mpsc::Receiver<Piece>) -> AnswerBody {
    let begin = (!begin.is_empty()).then_some(begin);
    let frames = stream::unfold((begin, Some(pieces)), |(begin, pieces)| async move {
        let mut pieces = pieces?;
        if let Some(begin) = begin {
            return Some((Ok(Frame::data(begin)), (None, Some(pieces))));
        }
        match pieces.recv().await {
            Some(Piece::Data(bytes)) => Some((Ok(Frame::data(bytes)), (None, Some(pieces)))),
            Some(Piece::End) => None,
            Some(Piece::Failed(fault)) => Some((Err(fault), (None, None))),
            None => Some((Err(fault(&Failure::truncated())), (None, None))),
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

fn prelude(kind: &HeaderValue) -> bool {
    kind.to_str()
        .is_ok_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == PRELUDE_TYPE))
}

fn bad(reason: String) -> Fault {
    Fault { kind: FaultKind::BadResponse, reason }
}
