//! Columns to types of the domain and back.
//!
//! Invariant: what is read from the file is checked like what comes from outside.

use crate::Error;
use model::key::Epoch;
use model::manifest::FunctionSpec;
use model::vault::Sealed;
use model::{Action, Grant, SecretRow, Timestamp};
use rusqlite::Row;
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

/// Reads a name or a similar checked text.
pub(super) fn parse<T>(text: &str) -> Result<T, Error>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| Error::corrupt("registry.db", error))
}

/// Reads canonical JSON.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::corrupt("registry.db", error))
}

/// Writes canonical JSON.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::corrupt("a value for registry.db", error))
}

/// A revision's settings.
pub(super) fn spec(text: &str) -> Result<FunctionSpec, Error> {
    from_json(text)
}

/// Reads a grant from its three columns.
pub(super) fn grant(who: &str, action: &str, what: &str) -> Result<Grant, Error> {
    Grant::parse(who, action, what).map_err(|error| Error::corrupt("registry.db", error))
}

/// What a grant is for, as its third column has it.
pub(super) fn object(grant: &Grant) -> Cow<'_, str> {
    match &grant.action {
        Action::Invoke { function } | Action::InvokeAsync { function } => function.as_str().into(),
        Action::Http { target }
        | Action::KeyValue { target }
        | Action::Blob { target }
        | Action::DataReveal { target }
        | Action::Secret { target } => target.into(),
        Action::Publish { application } => application.as_str().into(),
        Action::Reveal { target } => target.as_str().into(),
        Action::Tcp { target } => target.to_string().into(),
    }
}

/// Reads a secret from its six columns, the first of which is `from`: name, version, time, whether
/// it is weak, epoch, sealed bytes.
pub(super) fn secret(row: &Row<'_>, from: usize) -> Result<SecretRow, Error> {
    Ok(SecretRow {
        name: parse(&row.get::<_, String>(from)?)?,
        version: row.get(from + 1)?,
        set: Timestamp(row.get(from + 2)?),
        weak: row.get(from + 3)?,
        epoch: Epoch(row.get(from + 4)?),
        sealed: Sealed(row.get(from + 5)?),
    })
}

/// A number for a column: SQLite's are signed.
pub(super) fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|error| Error::corrupt("a number for registry.db", error))
}

/// A number from a column.
pub(super) fn unsigned(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|error| Error::corrupt("registry.db", error))
}
