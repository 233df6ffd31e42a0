//! Failures of functions in AWS's words, which tests and clients match on.

use bytes::Bytes;
use serde_json::{Value, json};

/// Longest text of a function's error that is quoted, in characters.
const QUOTED_MAX: usize = 1000;

/// A function's failure: the body of an answer with `x-amz-function-error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `errorType`.
    pub kind: String,
    /// `errorMessage`.
    pub message: String,
}

impl Failure {
    /// It took too long: so many seconds, as configured.
    #[must_use]
    pub fn timeout(id: &str, seconds: f64) -> Self {
        let message = format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
        Self { kind: "Sandbox.Timedout".to_owned(), message }
    }

    /// Its process ended before it answered: with a code, by a signal's name, or nobody knows how.
    #[must_use]
    pub fn exit(id: &str, code: Option<i32>, signal: Option<&str>) -> Self {
        let how = match (code, signal) {
            (Some(0), _) | (None, None) => "Runtime exited without providing a reason".to_owned(),
            (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
            (None, Some(signal)) => format!("Runtime exited with error: signal: {signal}"),
        };
        let message = format!("RequestId: {id} Error: {how}");
        Self { kind: "Runtime.ExitError".to_owned(), message }
    }

    /// Its answer is longer than that many bytes.
    #[must_use]
    pub fn too_large(most: u64) -> Self {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({most} bytes).");
        Self { kind: "Function.ResponseSizeTooLarge".to_owned(), message }
    }

    /// Its answer broke off.
    #[must_use]
    pub fn truncated() -> Self {
        let message = "HTTP request detected as truncated".to_owned();
        Self { kind: "Runtime.TruncatedResponse".to_owned(), message }
    }

    /// What a runtime reported: from its body, or else from the type that it named beside it.
    #[must_use]
    pub fn reported(kind: Option<&str>, body: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(quoted);
        let kind = kind.map(quoted).filter(|kind| !kind.is_empty());
        Self {
            kind: text("errorType")
                .filter(|kind| !kind.is_empty())
                .or(kind)
                .unwrap_or_else(|| "Runtime.Unknown".to_owned()),
            message: text("errorMessage").unwrap_or_default(),
        }
    }

    /// In JSON.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let body = json!({ "errorType": self.kind, "errorMessage": self.message });
        Bytes::from(body.to_string())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.is_empty() {
            true => f.write_str(&self.kind),
            false => write!(f, "{}: {}", self.kind, self.message),
        }
    }
}

/// A function's text, as far as a record takes it.
fn quoted(text: &str) -> String {
    text.chars()
        .take(QUOTED_MAX)
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}
