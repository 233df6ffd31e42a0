//! The operations on schedules and on sources.

use super::{Content, Operation, read, schema, write};
use model::api;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        read("S/schedules", "The schedules of functions", schema::<api::Page<api::Schedule>>),
        write(
            "post",
            "S/schedules/{name}/run",
            "Has a schedule run now",
            Content::Nothing,
            schema::<api::Accepted>,
        ),
        write(
            "post",
            "S/schedules/{name}/pause",
            "Pauses a schedule",
            Content::Nothing,
            schema::<api::Schedule>,
        ),
        write(
            "post",
            "S/schedules/{name}/resume",
            "Lets a schedule go on, with the times that are still to come",
            Content::Nothing,
            schema::<api::Schedule>,
        ),
        read("S/sources", "Where messages are pulled from", schema::<api::Page<api::Source>>),
    ]
}
