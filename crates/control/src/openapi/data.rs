//! The operations on sensitive data.

use super::{Content, Operation, schema, write};
use model::api;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        write(
            "post",
            "S/data/reveal",
            "Has the values of tokens come back, for a purpose that the ledger keeps",
            Content::Json(schema::<api::RevealRequest>),
            schema::<api::Revealed>,
        ),
        write(
            "post",
            "S/data/erase",
            "Deletes the salt of one subject in a class: what its values became stands for nothing any more, here and in copies",
            Content::Json(schema::<api::EraseRequest>),
            schema::<api::Erased>,
        ),
    ]
}
