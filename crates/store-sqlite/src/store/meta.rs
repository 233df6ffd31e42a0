//! Facts about the home.
//!
//! Invariant: a fact is written once and never changed; but for [`super::anchor`], whose numbers
//! grow.

use super::Store;
use crate::Error;
use crate::epochs::{Known, known_in};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

impl Store {
    /// A fact about the home, such as its root key's fingerprint or its ledger's origin.
    ///
    /// # Errors
    /// [`Error`] if the store failed.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, Error> {
        let key = key.to_owned();
        self.read(move |connection| read(connection, &key)).await
    }

    /// Facts about the home whose keys begin with `prefix`, without it.
    ///
    /// # Errors
    /// [`Error`] if the store failed.
    pub async fn facts(&self, prefix: &'static str) -> Result<Vec<(String, String)>, Error> {
        self.read(move |connection| beginning(connection, prefix)).await
    }

    /// What the home knows of its root keys.
    ///
    /// # Errors
    /// [`Error`] if the store failed.
    pub async fn known_epochs(&self) -> Result<Known, Error> {
        self.read(known_in).await
    }

    /// Writes a fact if there is none under this key, and returns the one that holds.
    ///
    /// # Errors
    /// [`Error`] if the store failed.
    pub async fn put_meta_if_absent(&self, key: &str, value: &str) -> Result<String, Error> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.write(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![key, value],
            )?;
            let held = read(&transaction, &key)?.unwrap_or(value);
            transaction.commit()?;
            Ok(held)
        })
        .await
    }
}

pub(crate) fn beginning(
    connection: &Connection,
    prefix: &str,
) -> Result<Vec<(String, String)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(key, length(?1) + 1), value FROM meta
         WHERE tenant = 'system' AND environment = 'system'
         AND substr(key, 1, length(?1)) = ?1 ORDER BY key",
    )?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(connection: &Connection, key: &str) -> Result<Option<String>, Error> {
    let value = connection
        .prepare_cached(
            "SELECT value FROM meta
             WHERE tenant = 'system' AND environment = 'system' AND key = ?1",
        )?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(value)
}
