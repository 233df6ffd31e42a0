//! The operations on the root key.

use super::{Content, Operation, read, schema, write};
use model::api;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        read(
            "/v1/keys",
            "The root key's epochs, and what is sealed with each",
            schema::<api::Keys>,
        ),
        write(
            "post",
            "/v1/keys/rotate",
            "Adds an epoch to the root key",
            Content::Json(schema::<api::KeyRotateRequest>),
            schema::<api::KeyRotated>,
        ),
        read(
            "/v1/keys/rewrap",
            "How far things are that move to the newest epoch",
            schema::<api::KeyProgress>,
        ),
        write(
            "post",
            "/v1/keys/rewrap",
            "Begins to move what is stored to the newest epoch",
            Content::Nothing,
            schema::<api::KeyRewrap>,
        ),
        write(
            "post",
            "/v1/keys/retire",
            "Takes an epoch out of the root key that nothing is sealed with",
            Content::Json(schema::<api::KeyRetireRequest>),
            schema::<api::KeyRetired>,
        ),
        read(
            "S/keys/public",
            "The public key with which other homes seal keys of classes for this tenant's environment",
            schema::<api::KeyPublic>,
        ),
        write(
            "post",
            "S/keys/export",
            "Seals the keys of classes for another home",
            Content::Json(schema::<api::KeyExportRequest>),
            schema::<api::KeyExported>,
        ),
        write(
            "post",
            "S/keys/import",
            "Takes keys of classes that another home sealed for this one",
            Content::Json(schema::<api::KeyImportRequest>),
            schema::<api::KeyImported>,
        ),
        Operation {
            query: &["plain"],
            request: Content::Raw("application/octet-stream"),
            answer: Content::Raw("text/plain"),
            ..write(
                "post",
                "/v1/keys/backup",
                "A copy of the root key, sealed with the passphrase that the body is",
                Content::Nothing,
                schema::<()>,
            )
        },
    ]
}
