//! The shape in which a native function gets requests that come over HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of AWS Lambda's events a request becomes, and in which form the function's reply comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventForm {
    /// Payload format 2.0, of function URLs and HTTP APIs.
    #[default]
    HttpV2,
    /// Payload format 1.0, of REST APIs.
    HttpV1,
    /// An Application Load Balancer's.
    Alb,
}

impl EventForm {
    /// Whether nothing was said: what is not said leaves old revisions' digests alone.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::HttpV2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_written_as_their_documentation_calls_them() {
        for (form, text) in [
            (EventForm::HttpV2, "\"http-v2\""),
            (EventForm::HttpV1, "\"http-v1\""),
            (EventForm::Alb, "\"alb\""),
        ] {
            assert_eq!(serde_json::to_string(&form).expect("it is written"), text);
        }
        assert!(EventForm::default().is_default());
    }
}
