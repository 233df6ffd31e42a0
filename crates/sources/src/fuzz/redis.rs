//! What Redis answers.

use super::Outcome;
use crate::config::{Begin, Redis};
use crate::form::Shape;
use crate::redis::Terms;
use crate::redis::resp::{Limits, Reader, Reply, weight};
use bytes::BytesMut;
use model::Destination;
use std::time::Duration;

const LIMITS: Limits = Limits { bulk: 64, total: 256, items: 64, list: 16 };

/// What Redis answers, with entries of a stream in it. How it is cut changes nothing; no more is kept
/// than may be; a message is within its limit, and is an event with the entry's number.
///
/// # Errors
/// The promise that was broken.
pub fn redis(bytes: &[u8]) -> Outcome {
    let whole = replies(bytes, bytes.len().max(1));
    if whole != replies(bytes, 3) {
        return Err("pieces are read as something else".to_owned());
    }
    for reply in whole.unwrap_or_default() {
        let (kept, items) = kept(&reply);
        if kept > LIMITS.total || items > LIMITS.items + 16 {
            return Err(format!("{kept} bytes and {items} items are kept"));
        }
        found(&reply)?;
    }
    Ok(())
}

fn replies(bytes: &[u8], cut: usize) -> Result<Vec<Reply>, String> {
    let (mut reader, mut input) = (Reader::new(LIMITS), BytesMut::new());
    let mut found = Vec::new();
    for piece in bytes.chunks(cut) {
        input.extend_from_slice(piece);
        while let Some(reply) = reader.read(&mut input).map_err(|error| error.to_string())? {
            found.push(reply);
        }
    }
    Ok(found)
}

/// Bytes and items that are kept; lists that are open at the end count once more.
fn kept(reply: &Reply) -> (u64, u64) {
    match reply {
        Reply::Lost(_) => (0, 0),
        Reply::List(items, _) => {
            items.iter().map(kept).fold((0, 1), |sum, it| (sum.0 + it.0, sum.1 + it.1))
        }
        other => (weight(other), 1),
    }
}

fn found(reply: &Reply) -> Outcome {
    let config = Redis {
        at: Destination::parse("localhost:6379").map_err(|error| error.to_string())?,
        secure: false,
        database: 0,
        user: None,
        stream: "s".to_owned(),
        group: "g".to_owned(),
        consumer: "c".to_owned(),
        begin: Begin::Start,
        claim_after: Duration::from_secs(1),
        field: None,
        shape: Shape::Event,
        key: Some("k".to_owned()),
    };
    for field in [None, Some("f".to_owned())] {
        let config = Redis { field, ..config.clone() };
        let terms = Terms { config: &config, origin: "/s", bytes_max: LIMITS.bulk };
        let Ok(found) = terms.found(reply.clone()) else { return Ok(()) };
        for arrival in found.arrivals {
            let event = &arrival.event;
            let own = event.source() == "/s" && event.id() == arrival.token;
            if !own && (arrival.fault.is_some() || config.field.is_none()) {
                return Err(format!("{} became {}", arrival.token, event.id()));
            }
            if arrival.fault.is_none() && event.data().len() as u64 > LIMITS.bulk * 16 {
                return Err("a message is larger than it may be".to_owned());
            }
        }
    }
    Ok(())
}
