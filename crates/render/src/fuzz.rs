//! What the fuzzer and the tests call: what foreign programs answer.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use crate::azure::{Answer, Rendered};

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// An answer of an Azure custom handler. What is rendered is a final answer whose fields frame
/// nothing, and rendering does not depend on how the JSON is laid out.
///
/// # Errors
/// The promise that was broken.
pub fn azure_answer(bytes: &[u8]) -> Outcome {
    let Ok(answer) = Answer::read(bytes) else { return Ok(()) };
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) {
        let again = serde_json::to_vec_pretty(&value).map_err(|error| error.to_string())?;
        if Answer::read(&again).as_ref() != Ok(&answer) {
            return Err("laid out differently, it is another answer".to_owned());
        }
    }
    check(&answer.clone().render_event())?;
    answer.render().map_or(Ok(()), |rendered| check(&rendered))
}

fn check(rendered: &Rendered) -> Outcome {
    let (status, headers) = (rendered.response.status(), rendered.response.headers());
    if !(200..600).contains(&status.as_u16()) {
        return Err(format!("the status {status}"));
    }
    if headers.contains_key("content-length") || headers.contains_key("transfer-encoding") {
        return Err("a field that frames the message".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn azure_answers() {
        fuzzing::run("azure_answer", 3000, super::azure_answer);
    }
}
