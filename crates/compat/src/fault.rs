//! Errors as AWS Lambda says them: a status, a type in a header, and a message.

use crate::body::Answer;
use engine::Unsigned;
use http::HeaderValue;
use model::{Code, Problem};
use serde_json::{Value, json};

/// Longest text of a request that is quoted back, in characters.
const QUOTED_MAX: usize = 200;

/// An error on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    /// AWS's name of it.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// `Reason`, where AWS gives one.
    reason: Option<&'static str>,
    /// When to try again, in seconds.
    retry_after_s: Option<u32>,
}

impl Fault {
    pub(crate) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), reason: None, retry_after_s: None }
    }

    /// A function that is not there, or that the caller may not know of.
    pub(crate) fn no_function(arn: &str) -> Self {
        Self::not_found(format!("Function not found: {arn}"))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "ResourceNotFoundException", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValueException", message)
    }

    /// A body that is not what it should be.
    pub(crate) fn content(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequestContentException", message)
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    /// A change of another state than the one that it was made from.
    pub(crate) fn another_revision() -> Self {
        let message = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
        Self::new(412, "PreconditionFailedException", message)
    }

    /// A value that does not fit what AWS says of it.
    pub(crate) fn constraint(value: &str, at: &str, why: &str) -> Self {
        let value: String = value.chars().take(QUOTED_MAX).collect();
        let message = format!(
            "1 validation error detected: Value '{}' at '{at}' failed to satisfy constraint: {why}",
            value.escape_debug()
        );
        Self::new(400, "ValidationException", message)
    }

    /// An operation that is not spoken here.
    pub(crate) fn unknown(method: &str, path: &str) -> Self {
        let path: String = path.chars().take(QUOTED_MAX).collect();
        let message = format!(
            "{method} {} is no operation that this node answers; docs/reference/aws-lambda.md lists those that it does",
            path.escape_debug()
        );
        Self::new(404, "UnknownOperationException", message)
    }

    /// Too much at a time.
    pub(crate) fn throttled(reason: &'static str, retry_after_s: Option<u32>) -> Self {
        let retry_after_s = Some(retry_after_s.unwrap_or(1));
        let fault = Self::new(429, "TooManyRequestsException", "Rate Exceeded.");
        Self { reason: Some(reason), retry_after_s, ..fault }
    }

    /// A request that is larger than its operation takes.
    pub(crate) fn too_large(most: u64, operation: &str) -> Self {
        let message =
            format!("Request must be smaller than {most} bytes for the {operation} operation");
        Self::new(413, "RequestTooLargeException", message)
    }

    /// What the engine refused before the function ran.
    pub(crate) fn refused(problem: &Problem, arn: &str, retry_after_s: Option<u32>) -> Self {
        match problem.code {
            Code::NotFound | Code::NoSuchFunction | Code::NotQueueable => Self::no_function(arn),
            Code::Denied => {
                let hint = problem
                    .hint
                    .as_deref()
                    .map(|hint| format!("; the operator can allow it: {hint}"));
                let message = format!(
                    "The key is not authorized to perform this on resource: {arn}{}",
                    hint.unwrap_or_default()
                );
                Self::denied(message)
            }
            Code::FunctionBusy => {
                Self::throttled("ReservedFunctionConcurrentInvocationLimitExceeded", retry_after_s)
            }
            Code::CallerBusy | Code::Overloaded | Code::NoInstance => {
                Self::throttled("ConcurrentInvocationLimitExceeded", retry_after_s)
            }
            Code::CapReached | Code::RateLimited => {
                Self::throttled("CallerRateLimitExceeded", retry_after_s)
            }
            Code::BodyTooLarge | Code::QueuedTooLarge => {
                Self::new(413, "RequestTooLargeException", problem.to_string())
            }
            Code::ClientSlow | Code::Malformed => Self::content(problem.to_string()),
            code => {
                tracing::warn!(%code, internal = problem.internal, "a request in AWS's words failed");
                let message = format!("{code}: {}", code.title());
                Self { retry_after_s, ..Self::new(500, "ServiceException", message) }
            }
        }
    }

    /// As it is sent, under this id.
    pub(crate) fn answer(&self, id: &str) -> Answer {
        let body: Value = match self.kind {
            "ServiceException" => json!({ "Type": "Service", "Message": self.message }),
            _ if self.is_plain() => json!({ "message": self.message }),
            _ => {
                let mut body = json!({ "Type": "User", "Message": self.message });
                if let (Some(reason), Some(members)) = (self.reason, body.as_object_mut()) {
                    members.insert("Reason".to_owned(), reason.into());
                }
                body
            }
        };
        let mut answer = crate::body::json(self.status, &body, id);
        let headers = answer.headers_mut();
        headers.insert("x-amzn-errortype", HeaderValue::from_static(self.kind));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }

    /// What AWS's front says, before Lambda sees the request, has another form.
    fn is_plain(&self) -> bool {
        [
            "AccessDeniedException",
            "IncompleteSignatureException",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
            "UnknownOperationException",
            "UnrecognizedClientException",
            "ValidationException",
        ]
        .contains(&self.kind)
    }
}

impl From<Unsigned> for Fault {
    fn from(unsigned: Unsigned) -> Self {
        use engine::sigv4::Wrong;
        let invalid_token = || {
            let message = "The security token included in the request is invalid.";
            Self::new(403, "UnrecognizedClientException", message)
        };
        match unsigned {
            Unsigned::Wrong(wrong) => match &wrong {
                Wrong::Missing => {
                    Self::new(403, "MissingAuthenticationTokenException", wrong.to_string())
                }
                Wrong::Incomplete(_) => {
                    Self::new(403, "IncompleteSignatureException", wrong.to_string())
                }
                Wrong::Token => invalid_token(),
                _ => Self::new(403, "InvalidSignatureException", wrong.to_string()),
            },
            Unsigned::NoSuchKey => invalid_token(),
            Unsigned::Replayed => {
                let message = "The signature was used before: a request that changes something is taken once. Sign it again.";
                Self::new(403, "InvalidSignatureException", message)
            }
            Unsigned::Later(wait) => {
                let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                Self::throttled("CallerRateLimitExceeded", Some(seconds.max(1)))
            }
            Unsigned::Failed(problem) => Self::refused(&problem, "", None),
        }
    }
}
