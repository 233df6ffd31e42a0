//! What AWS Lambda's functions get of a stream of DynamoDB: rows before and after, each value with its
//! type.
//!
//! A row's change is read as change data capture writes it (Debezium's `before`, `after`, `op`), with
//! `keys` beside them.

use super::aws::ACCOUNT;
use super::{Data, REGION, Shapeless, Told, last_part};
use model::CloudEvent;
use model::manifest::EventShape;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How deep a value may lie in others, as in DynamoDB.
const DEPTH_MAX: usize = 32;

type Fields<'a> = BTreeMap<String, &'a RawValue>;

const fn not(why: &'static str) -> Shapeless {
    Shapeless { shape: EventShape::Dynamodb, why }
}

fn object(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// The records of one change.
pub(super) fn records(event: &CloudEvent, told: &Told<'_>) -> Result<Value, Shapeless> {
    let Data::Json(raw) = Data::of(event) else { return Err(not("its data is no JSON")) };
    let whole = object(raw).ok_or(not("its data is no JSON object"))?;
    let inner = whole.get("payload").and_then(|payload| object(payload));
    let change = inner.unwrap_or(whole);
    let image = |name: &str| change.get(name).filter(|it| it.get() != "null").map(|it| item(it));
    let (old, new) = (image("before").transpose()?, image("after").transpose()?);
    let keys = match change.get("keys") {
        Some(keys) => item(keys)?,
        None => Value::Object(Map::new()),
    };
    let (name, view) = match (&old, &new) {
        (Some(_), Some(_)) => ("MODIFY", "NEW_AND_OLD_IMAGES"),
        (None, Some(_)) => ("INSERT", "NEW_AND_OLD_IMAGES"),
        (Some(_), None) => ("REMOVE", "NEW_AND_OLD_IMAGES"),
        (None, None) => return Err(not("it has neither `before` nor `after`")),
    };
    let name = operation(event, &change).unwrap_or(name);
    let table = change.get("source").and_then(|source| table(source));
    let table = table.unwrap_or_else(|| last_part(event.source()).to_owned());
    let number = told.id.replace('-', "");
    let mut stream = json!({
        "ApproximateCreationDateTime": super::happened(event, told).as_second(),
        "Keys": keys,
        "SequenceNumber": u128::from_str_radix(&number, 16).unwrap_or_default().to_string(),
        "SizeBytes": event.data().len(),
        "StreamViewType": view,
    });
    if let Some(stream) = stream.as_object_mut() {
        let images = [("NewImage", new), ("OldImage", old)];
        let images = images.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?)));
        stream.extend(images);
    }
    Ok(json!({ "Records": [{
        "eventID": number,
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": stream,
        "eventSourceARN": format!(
            "arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{}", told.trigger
        ),
    }]}))
}

/// What Debezium says was done, in its data or as an extension.
fn operation(event: &CloudEvent, change: &Fields<'_>) -> Option<&'static str> {
    let own = change.get("op").and_then(|op| serde_json::from_str::<String>(op.get()).ok());
    match own.as_deref().or_else(|| event.get("iodebeziumop"))? {
        "c" | "r" => Some("INSERT"),
        "u" => Some("MODIFY"),
        "d" => Some("REMOVE"),
        _ => None,
    }
}

fn table(source: &RawValue) -> Option<String> {
    let name = object(source)?.remove("table")?;
    serde_json::from_str(name.get()).ok()
}

/// A row: each of its values with its type.
fn item(raw: &RawValue) -> Result<Value, Shapeless> {
    let fields = object(raw).ok_or(not("a row is no JSON object"))?;
    let typed = fields.into_iter().map(|(name, value)| Ok((name, attribute(value, 0)?)));
    typed.collect::<Result<Map<String, Value>, Shapeless>>().map(Value::Object)
}

/// A value with its type. A number keeps its digits.
fn attribute(raw: &RawValue, depth: usize) -> Result<Value, Shapeless> {
    if depth > DEPTH_MAX {
        return Err(not("its values lie in one another too deep"));
    }
    let text = raw.get().trim();
    let broken = |_| not("its data is no JSON");
    Ok(match text.as_bytes().first() {
        Some(b'"') => json!({ "S": serde_json::from_str::<String>(text).map_err(broken)? }),
        Some(b'{') => {
            let fields: Fields<'_> = serde_json::from_str(text).map_err(broken)?;
            let typed = fields.into_iter().map(|(name, it)| Ok((name, attribute(it, depth + 1)?)));
            json!({ "M": typed.collect::<Result<Map<String, Value>, Shapeless>>()? })
        }
        Some(b'[') => {
            let list: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
            let typed = list.into_iter().map(|it| attribute(it, depth + 1));
            json!({ "L": typed.collect::<Result<Vec<Value>, Shapeless>>()? })
        }
        Some(b't') => json!({ "BOOL": true }),
        Some(b'f') => json!({ "BOOL": false }),
        Some(b'n') => json!({ "NULL": true }),
        _ => json!({ "N": text }),
    })
}
