//! AWS Lambda: requests as its events, replies of its functions, and its words for failures.

mod alb;
mod around;
mod body;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod prelude;
mod query;
mod reply;
mod trace;
mod v1;
mod v2;

pub use around::Around;
pub use failure::Failure;
pub use prelude::{PRELUDE_BYTES_MAX, PRELUDE_TYPE, Prelude, Read};
pub use reply::{Malformed, reply};
pub use trace::trace_header;

use bytes::Bytes;
use http::request::Parts;
use model::manifest::EventForm;

/// A request as the event that a function of this form expects, in JSON.
#[must_use]
pub fn event(form: EventForm, head: &Parts, body: &[u8], around: &Around<'_>) -> Bytes {
    let event = match form {
        EventForm::HttpV2 => v2::event(head, body, around),
        EventForm::HttpV1 => v1::event(head, body, around),
        EventForm::Alb => alb::event(head, body, around),
    };
    Bytes::from(event.to_string())
}

#[cfg(test)]
mod tests;
