//! What NATS says.

use super::Outcome;
use crate::config::{Begin, Nats};
use crate::form::Shape;
use crate::nats::{Frame, Terms, all};
use model::Destination;
use std::time::Duration;

/// Most bytes of a message.
const MOST: u64 = 64;

/// What NATS says, with messages of a stream in it. How it is cut changes nothing; no more of a message
/// is kept than may be; a message is an event with the sender's id or its own place, and what does not
/// fit says why.
///
/// # Errors
/// The promise that was broken.
pub fn nats(bytes: &[u8]) -> Outcome {
    let whole = all(bytes, bytes.len(), MOST);
    if whole != all(bytes, 3, MOST) {
        return Err("pieces are read as something else".to_owned());
    }
    let config = Nats {
        at: Destination::parse("localhost:4222").map_err(|error| error.to_string())?,
        secure: false,
        user: None,
        stream: "S".to_owned(),
        consumer: "c".to_owned(),
        subject: None,
        begin: Begin::Start,
        ack_wait: Duration::from_secs(1),
        shape: Shape::Data("text/plain".to_owned()),
        key: Some("k".to_owned()),
    };
    for frame in whole.unwrap_or_default() {
        let Frame::Message(message) = frame else { continue };
        if message.data.as_ref().is_ok_and(|data| data.len() as u64 > MOST) {
            return Err("a message is larger than it may be".to_owned());
        }
        let terms = Terms { config: &config, origin: "/s", bytes_max: MOST / 2 };
        let (kept, id) = (message.data.is_ok(), message.field("Nats-Msg-Id").map(<[u8]>::to_vec));
        let Ok(arrival) = terms.arrival(&message) else { continue };
        let event = &arrival.event;
        if event.data().len() as u64 > MOST / 2 || (!kept && arrival.fault.is_none()) {
            return Err("what is too large is taken".to_owned());
        }
        let said = id.is_some_and(|id| id == event.id().as_bytes());
        let place: Vec<&str> = arrival.token.split('.').collect();
        let own = event.id().split('-').all(|part| place.contains(&part));
        if event.source() != "/s" || !(said || own) {
            return Err(format!("{} became {}", arrival.token, event.id()));
        }
    }
    Ok(())
}
