//! How a call of a function ended: with an answer, with the function's error, or not at all.
//!
//! What the function did wrong is no error of the call: it is answered with 200, and with a body in
//! the words that AWS has for it. Clients try again what is answered with 5xx, so that is said only
//! where the function did not run.

use crate::context::Meant;
use crate::fault::Fault;
use bytes::{Bytes, BytesMut};
use engine::{Engine, Refusal, ReplyBody, Signer};
use http::Response;
use http_body_util::BodyExt as _;
use model::Code;
use serde_json::{Value, json};

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 6_291_556;

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The invocation.
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    /// Whether the payload is the function's error.
    pub(crate) failed: bool,
}

/// A function's error, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn body(&self) -> Bytes {
        let body = json!({ "errorType": self.kind, "errorMessage": self.message });
        Bytes::from(body.to_string())
    }

    /// What a function's own error says.
    pub(crate) fn of_body(body: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Self {
            kind: text("errorType").unwrap_or_else(|| "Unhandled".to_owned()),
            message: text("errorMessage").unwrap_or_default(),
        }
    }

    /// What a code of ours is. None if it is none of the function's.
    fn of_code(code: Code, reason: Option<&str>, id: &str, wall_ms: u64) -> Option<Self> {
        let exit = |how: &str| ("Runtime.ExitError", format!("RequestId: {id} Error: {how}"));
        let (kind, message) = match code {
            Code::WallTimeout => {
                let seconds = wall_ms as f64 / 1000.0;
                let message =
                    format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
                ("Sandbox.Timedout", message)
            }
            Code::Trapped | Code::NoResponse => match reason.and_then(exited) {
                Some(how) => exit(&how),
                None => exit("Runtime exited without providing a reason"),
            },
            Code::MemoryLimit => {
                let how = "Runtime exited with error: signal: killed";
                ("Runtime.OutOfMemory", format!("RequestId: {id} Error: {how}"))
            }
            Code::ResponseTooLarge => return Some(Self::too_large()),
            Code::CpuLimit | Code::BadResponse | Code::GuestError | Code::HostLimit => {
                ("Runtime.Unknown", format!("RequestId: {id} Error: {code}: {}", code.title()))
            }
            // It may have run, and must not be tried again by itself.
            Code::Internal => {
                ("Sandbox.Failure", format!("RequestId: {id} Error: {code}: {}", code.title()))
            }
            _ => return None,
        };
        Some(Self { kind: kind.to_owned(), message })
    }

    pub(crate) fn too_large() -> Self {
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes)."
        );
        Self { kind: "Function.ResponseSizeTooLarge".to_owned(), message }
    }

    fn broken(id: &str) -> Self {
        let message = format!("RequestId: {id} Error: the answer broke off");
        Self { kind: "Runtime.TruncatedResponse".to_owned(), message }
    }
}

/// How a process ended, in AWS's words, from the record's.
fn exited(reason: &str) -> Option<String> {
    let how = reason.strip_prefix("Runtime exited with error: ")?;
    if let Some(number) = how.strip_prefix("signal ") {
        let name = match number {
            "4" => "illegal instruction",
            "6" => "aborted",
            "7" => "bus error",
            "8" => "floating point exception",
            "9" => "killed",
            "11" => "segmentation fault",
            "15" => "terminated",
            other => other,
        };
        return Some(format!("Runtime exited with error: signal: {name}"));
    }
    match how {
        "exit status 0" | "nobody knows how" => {
            Some("Runtime exited without providing a reason".to_owned())
        }
        _ => Some(reason.to_owned()),
    }
}

/// Longest time that a function may take, in milliseconds.
fn wall_ms(engine: &Engine, meant: &Meant) -> u64 {
    meant.row(engine).map_or(0, |row| row.spec.limits().wall_ms)
}

/// What a refusal is: the function's error, or one of the call.
pub(crate) fn refused(
    engine: &Engine,
    meant: &Meant,
    refusal: &Refusal,
) -> Result<(String, Failure), Fault> {
    let fault = || Fault::refused(&refusal.problem, &meant.arn, refusal.retry_after_s);
    let id = refusal.invocation.map(|id| id.to_string()).ok_or_else(fault)?;
    let reason = refusal.problem.internal.as_deref();
    let failure = Failure::of_code(refusal.problem.code, reason, &id, wall_ms(engine, meant));
    failure.map(|failure| (id, failure)).ok_or_else(fault)
}

/// Reads all of an answer.
pub(crate) async fn whole(
    engine: &Engine,
    signer: &Signer,
    meant: &Meant,
    response: Response<ReplyBody>,
) -> Ended {
    let (head, mut body) = response.into_parts();
    let id = invocation(&head.headers);
    let mut failed = said_error(&head);
    let mut bytes = BytesMut::new();
    let broken = loop {
        match body.frame().await {
            None => break None,
            Some(Err(_)) => break Some(why(engine, signer, meant, &id).await),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > ANSWER_BYTES_MAX {
                    break Some(Failure::too_large());
                }
                bytes.extend_from_slice(&data);
            }
        }
    };
    let mut payload = bytes.freeze();
    if let Some(failure) = broken {
        (payload, failed) = (failure.body(), true);
    } else if head.status.as_u16() >= 400 && !is_object(&payload) {
        // A function that answers HTTP, and whose answer is no error's.
        let kind = format!("Http.{}", head.status.as_u16());
        let message = String::from_utf8_lossy(&payload).into_owned();
        payload = Failure { kind, message }.body();
    }
    Ended { id, payload, failed }
}

/// Whether an answer is the function's error. Functions that answer HTTP say it by their status.
pub(crate) fn said_error(head: &http::response::Parts) -> bool {
    head.headers.contains_key("x-amz-function-error") || head.status.as_u16() >= 400
}

/// The id of an invocation that answers.
pub(crate) fn invocation(headers: &http::HeaderMap) -> String {
    let id = headers.get("casemate-invocation").and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Why an answer broke off, as its record says it.
pub(crate) async fn why(engine: &Engine, signer: &Signer, meant: &Meant, id: &str) -> Failure {
    let record = crate::tail::ended(engine, signer, id).await;
    let failure = record.and_then(|record| {
        let code = Code::parse(record.code.as_deref()?)?;
        Failure::of_code(code, record.reason.as_deref(), id, wall_ms(engine, meant))
    });
    failure.unwrap_or_else(|| Failure::broken(id))
}

fn is_object(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Code, reason: Option<&str>) -> Option<(String, String)> {
        let failure = Failure::of_code(code, reason, "i", 1000)?;
        Some((failure.kind, failure.message))
    }

    #[test]
    fn what_a_function_did_wrong_is_said_in_the_words_that_clients_look_for() {
        let says = |kind: &str, message: &str| Some((kind.to_owned(), message.to_owned()));
        assert_eq!(
            failure(Code::WallTimeout, None),
            says("Sandbox.Timedout", "RequestId: i Error: Task timed out after 1.00 seconds")
        );
        assert_eq!(
            failure(Code::Trapped, Some("Runtime exited with error: exit status 127")),
            says(
                "Runtime.ExitError",
                "RequestId: i Error: Runtime exited with error: exit status 127"
            )
        );
        assert_eq!(
            failure(Code::Trapped, Some("Runtime exited with error: signal 9")),
            says(
                "Runtime.ExitError",
                "RequestId: i Error: Runtime exited with error: signal: killed"
            )
        );
        let unknown = "RequestId: i Error: Runtime exited without providing a reason";
        for reason in [None, Some("Runtime exited with error: exit status 0"), Some("a trap")] {
            assert_eq!(failure(Code::Trapped, reason), says("Runtime.ExitError", unknown));
        }
        assert_eq!(
            Failure::too_large().message,
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        );
    }

    #[test]
    fn what_did_not_run_is_no_error_of_the_function() {
        for code in [Code::FunctionBusy, Code::NotFound, Code::Draining, Code::CapReached] {
            assert_eq!(failure(code, None), None, "{code}");
        }
    }
}
