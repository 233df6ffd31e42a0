//! Remote functions of warehouses: what they send, and what they expect.
//!
//! Google BigQuery sends `{"calls": [[value, record], …]}` and takes `{"replies": […]}`; Snowflake
//! sends `{"data": [[row, value, record], …]}` and takes `{"data": [[row, value], …]}`. The record's
//! id, the last argument, is there for isolated fields alone.

use crate::contract::{Bound, Fault, Tally, Whose};
use crate::transform::Value;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

/// Most rows of a batch.
const ROWS_MAX: usize = 100_000;

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warehouse {
    /// A remote function of Google BigQuery.
    BigQuery,
    /// An external function of Snowflake.
    Snowflake,
}

#[derive(Deserialize)]
struct Calls<'r> {
    #[serde(borrow)]
    calls: Vec<Vec<&'r RawValue>>,
}

#[derive(Deserialize)]
struct Rows<'r> {
    #[serde(borrow)]
    data: Vec<Vec<&'r RawValue>>,
}

/// The answer to a batch, in which a field is applied to each row.
pub(super) fn answer(
    (bound, field): (&Bound, usize),
    warehouse: Warehouse,
    request: &[u8],
    tally: &mut Tally,
) -> Result<Vec<u8>, Fault> {
    let odd = || Fault::form("it is no call of this warehouse's");
    let rows = match warehouse {
        Warehouse::BigQuery => serde_json::from_slice::<Calls<'_>>(request).map(|call| call.calls),
        Warehouse::Snowflake => serde_json::from_slice::<Rows<'_>>(request).map(|call| call.data),
    };
    let rows = rows.map_err(|_| odd())?;
    if rows.len() > ROWS_MAX {
        return Err(Fault::form("the batch has more than 100000 rows"));
    }
    let mut made = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let line = at as u64 + 1;
        let arguments = match warehouse {
            Warehouse::BigQuery => row.as_slice(),
            Warehouse::Snowflake => row.get(1..).unwrap_or_default(),
        };
        let (value, record) = match arguments {
            [value] => (value, None),
            [value, record] => (value, Some(text(record).ok_or_else(odd)?)),
            _ => return Err(odd().line(line)),
        };
        let value = one((bound, field), value, record.as_deref(), tally);
        made.push(value.map_err(|fault| fault.line(line))?);
    }
    let answer = match warehouse {
        Warehouse::BigQuery => json!({ "replies": made }),
        Warehouse::Snowflake => {
            let number = |row: &Vec<&RawValue>| {
                row.first().and_then(|number| number.get().parse::<u64>().ok()).ok_or_else(odd)
            };
            let numbers: Vec<u64> = rows.iter().map(number).collect::<Result<_, Fault>>()?;
            let rows: Vec<Json> =
                numbers.into_iter().zip(made).map(|(at, value)| json!([at, value])).collect();
            json!({ "data": rows })
        }
    };
    serde_json::to_vec(&answer).map_err(|_| odd())
}

/// What becomes of one value. What is not there stays so.
fn one(
    (bound, field): (&Bound, usize),
    value: &RawValue,
    record: Option<&str>,
    tally: &mut Tally,
) -> Result<Json, Fault> {
    let odd = || Fault::form("a value that is neither text, number nor truth value");
    let value = match value.get().as_bytes().first() {
        Some(b'n') => return Ok(Json::Null),
        Some(b'"') => Value::Text(text(value).ok_or_else(odd)?.into()),
        Some(b'{' | b'[') | None => return Err(odd()),
        Some(_) => Value::Literal(value.get().into()),
    };
    match bound.value(field, &value, Whose::record(record), tally)? {
        Value::Text(text) => Ok(Json::String(text.into_owned())),
        Value::Literal(literal) => serde_json::from_str(&literal).map_err(|_| odd()),
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
