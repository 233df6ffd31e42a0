//! What the fuzzer and the tests call: replies and preludes of functions.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use super::{Failure, Prelude, Read, reply};
use bytes::Bytes;
use http::Response;
use model::manifest::EventForm;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// A reply in each form. A response can be sent as it is: its status is final, and its fields frame
/// nothing. What is a reply in the other forms is one in format 2.0, too. A report of an error names
/// something, and stays short.
///
/// # Errors
/// The promise that was broken.
pub fn lambda_reply(bytes: &[u8]) -> Outcome {
    let forms = [EventForm::HttpV2, EventForm::HttpV1, EventForm::Alb];
    let [v2, v1, alb] = forms.map(|form| reply(form, bytes));
    for response in [&v2, &v1, &alb].into_iter().flatten() {
        sendable(response)?;
    }
    if v1.is_ok() != alb.is_ok() {
        return Err("the older forms disagree".to_owned());
    }
    let failure = Failure::reported(None, bytes);
    if failure.kind.is_empty() || failure.to_string().chars().count() > 2002 {
        return Err("the report names nothing, or too much".to_owned());
    }
    Ok(())
}

/// A stream's beginning. It is the same in whatever pieces it comes, and nothing behind it is lost.
///
/// # Errors
/// The promise that was broken.
pub fn lambda_prelude(bytes: &[u8]) -> Outcome {
    let whole = read(bytes, bytes.len().max(1));
    for pieces in [1, 3, 8] {
        if read(bytes, pieces) != whole {
            return Err(format!("it is another in pieces of {pieces}"));
        }
    }
    Ok(())
}

/// The response, or none yet, or a refusal; each as text.
fn read(bytes: &[u8], pieces: usize) -> Result<Option<String>, String> {
    let mut prelude = Prelude::default();
    let mut chunks = bytes.chunks(pieces);
    while let Some(chunk) = chunks.next() {
        if let Read::Whole(response) = prelude.push(chunk).map_err(|why| why.to_string())? {
            sendable(&response)?;
            let rest: Vec<u8> = chunks.flatten().copied().collect();
            let body = [response.body(), rest.as_slice()].concat();
            if !bytes.ends_with(&body) {
                return Err("bytes of the body were lost".to_owned());
            }
            let (status, headers) = (response.status(), response.headers());
            return Ok(Some(format!("{status} {headers:?} {body:?}")));
        }
    }
    Ok(None)
}

fn sendable(response: &Response<Bytes>) -> Outcome {
    let frames = ["connection", "content-length", "transfer-encoding", "upgrade", "trailer"];
    if response.status().is_informational() {
        return Err("a status that is not final".to_owned());
    }
    match frames.iter().find(|name| response.headers().contains_key(**name)) {
        Some(name) => Err(format!("a field `{name}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn replies_of_functions() {
        fuzzing::run("lambda_reply", 4000, super::lambda_reply);
    }

    #[test]
    fn preludes_of_streams() {
        fuzzing::run("lambda_prelude", 4000, super::lambda_prelude);
    }
}
