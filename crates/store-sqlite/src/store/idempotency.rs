//! Answers of the admin API that are given again to the same `Idempotency-Key`.
//!
//! Invariant: within 24 hours, the first answer under a key is the only one.

use super::Store;
use crate::Error;
use model::{Digest, Timestamp};
use ports::Future;
use ports::idempotency::{Idempotency, Kept};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// How long an answer is kept: 24 hours.
const KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

impl Idempotency for Store {
    fn recall<'a>(
        &'a self,
        key: &'a str,
        now: Timestamp,
    ) -> Future<'a, Result<Option<Kept>, String>> {
        let key = key.to_owned();
        Box::pin(async move {
            self.read(move |connection| recall(connection, &key, now)).await.map_err(text)
        })
    }

    fn keep<'a>(
        &'a self,
        key: &'a str,
        answer: Kept,
        now: Timestamp,
    ) -> Future<'a, Result<(), String>> {
        let key = key.to_owned();
        Box::pin(async move {
            self.write(move |connection| keep(connection, &key, &answer, now)).await.map_err(text)
        })
    }
}

fn recall(connection: &Connection, key: &str, now: Timestamp) -> Result<Option<Kept>, Error> {
    let kept = connection
        .prepare_cached(
            "SELECT request_hash, status, body FROM idempotency
             WHERE tenant = 'system' AND environment = 'system' AND key = ?1 AND created_us > ?2",
        )?
        .query_row(params![key, oldest(now)], |row| {
            let request = Digest(row.get(0)?);
            Ok(Kept { request, status: row.get(1)?, body: row.get(2)? })
        })
        .optional()?;
    Ok(kept)
}

fn keep(
    connection: &mut Connection,
    key: &str,
    answer: &Kept,
    now: Timestamp,
) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM idempotency WHERE created_us <= ?1", [oldest(now)])?;
    transaction.execute(
        "INSERT INTO idempotency (key, request_hash, status, body, created_us)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![key, answer.request.0, answer.status, answer.body, now.0],
    )?;
    Ok(transaction.commit()?)
}

/// Answers from this time or before are forgotten.
fn oldest(now: Timestamp) -> i64 {
    now.plus_us(-KEPT_US).0
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn text(error: Error) -> String {
    error.chain()
}
