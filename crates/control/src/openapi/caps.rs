//! The operations on caps.

use super::{Content, Operation, read, schema, write};
use model::api;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        read("S/caps", "Caps, and what is used of them", schema::<api::Caps>),
        write(
            "post",
            "S/caps/lift",
            "Lifts caps per day until the day ends",
            Content::Json(schema::<api::LiftRequest>),
            schema::<api::Lifted>,
        ),
        Operation {
            query: &["function", "since_us"],
            ..read("S/caps/proposals", "Proposes caps from records", schema::<api::Proposals>)
        },
    ]
}
