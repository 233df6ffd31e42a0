//! The operations on calls that wait.

use super::Content::{Json, Nothing};
use super::{Operation, read, schema, write};
use model::api;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            query: &["function", "dead", "after", "limit"],
            ..read(
                "S/queue",
                "Asynchronous calls that wait or were given up, oldest first",
                schema::<api::Page<api::Queued>>,
            )
        },
        write(
            "post",
            "S/queue/{id}/peek",
            "Shows what a call holds, and writes an entry of the ledger that somebody looked",
            Nothing,
            schema::<api::Peeked>,
        ),
        write(
            "post",
            "S/queue/{id}/retry",
            "Tries a call again that was given up",
            Nothing,
            schema::<api::Accepted>,
        ),
        write(
            "post",
            "S/queue/redrive",
            "Tries all calls again that were given up",
            Json(schema::<api::RedriveRequest>),
            schema::<api::Redriven>,
        ),
        write(
            "post",
            "S/queue/purge",
            "Removes calls that were given up",
            Json(schema::<api::PurgeRequest>),
            schema::<api::Purged>,
        ),
    ]
}
