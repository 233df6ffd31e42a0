//! Messages of a stream, and the events in them.

use super::proto::Message;
use super::wire::odd;
use crate::config::Nats;
use crate::form::Said;
use model::CloudEvent;
use ports::source::{Arrival, Error, Fault};

/// The type of the events.
const KIND: &str = "dev.casemate.nats.message";
/// The field by which whoever sends a message says which one it is.
const ID: &str = "Nats-Msg-Id";

/// Where events come from, and how large they may be.
pub(crate) struct Terms<'a> {
    pub(crate) config: &'a Nats,
    pub(crate) origin: &'a str,
    pub(crate) bytes_max: u64,
}

/// What the subject says under which a message is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The message's number in its stream.
    number: &'a str,
    /// When it came into the stream, in nanoseconds.
    time: &'a str,
    /// How many lie behind it that were not given to anybody.
    pub(crate) pending: u64,
}

impl<'a> Place<'a> {
    /// `$JS.ACK.STREAM.CONSUMER.DELIVERED.NUMBER.SEQUENCE.TIME.PENDING`, or with the domain and the
    /// account before the stream, and maybe something behind the rest.
    pub(crate) fn read(reply: &'a str) -> Option<Self> {
        let parts: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let first = match parts.len() {
            7 => 3,
            9.. => 5,
            _ => return None,
        };
        let digits = |at: usize| {
            let text = parts.get(at)?;
            let plain = text.bytes().all(|it| it.is_ascii_digit());
            (plain && (1..=20).contains(&text.len())).then_some(*text)
        };
        let (number, time) = (digits(first)?, digits(first + 2)?);
        Some(Self { number, time, pending: digits(first + 3)?.parse().ok()? })
    }
}

impl Terms<'_> {
    /// The event of a message. What the sender calls it is its id, and else when it came with its
    /// number: a stream that is made anew begins with the first number again.
    pub(crate) fn arrival(&self, message: &Message) -> Result<Arrival, Error> {
        let token = message.reply.as_deref().ok_or_else(odd)?;
        let place = Place::read(token).ok_or_else(odd)?;
        let own = format!("{}-{}", place.time, place.number);
        let (mut id, mut wrong) = (own.as_str(), None);
        match message.field(ID) {
            None | Some([]) => {}
            Some(said) => match std::str::from_utf8(said).ok().filter(|said| is_id(said)) {
                Some(said) => id = said,
                None => wrong = Some(Fault::Form("its `Nats-Msg-Id` is no id of an event")),
            },
        }
        let mut more = vec![("subject", message.subject.clone())];
        if let Some(value) = self.config.key.as_ref().and_then(|key| message.field(key)) {
            match std::str::from_utf8(value) {
                Ok(value) => more.push(("partitionkey", value.to_owned())),
                Err(_) => wrong = Some(Fault::Text),
            }
        }
        let said = Said { origin: self.origin, kind: KIND, id, more };
        let most = self.bytes_max;
        let (event, fault) = match (&message.data, wrong) {
            (Err(bytes), _) => said.unfit(Fault::TooLarge { bytes: *bytes, most }, Vec::new())?,
            (Ok(data), _) if data.len() as u64 > most => {
                said.unfit(Fault::TooLarge { bytes: data.len() as u64, most }, Vec::new())?
            }
            (Ok(data), Some(wrong)) => said.unfit(wrong, data.to_vec())?,
            (Ok(data), None) => said.read(&self.config.shape, data.to_vec())?,
        };
        Ok(Arrival { token: token.to_owned(), event, fault })
    }
}

/// Whether a text can be the id of an event.
fn is_id(text: &str) -> bool {
    let all = [("source", "/"), ("type", KIND), ("id", text)];
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
    CloudEvent::new(all.into(), Vec::new()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Begin;
    use crate::form::Shape;
    use bytes::Bytes;
    use model::{Code, Destination};
    use std::time::Duration;

    const REPLY: &str = "$JS.ACK.ORDERS.casemate.1.42.7.1700000000000000000.3";

    fn arrival(fields: &str, data: Result<&[u8], u64>) -> Arrival {
        let config = Nats {
            at: Destination::parse("localhost:4222").expect("a place"),
            secure: false,
            user: None,
            stream: "ORDERS".to_owned(),
            consumer: "casemate".to_owned(),
            subject: None,
            begin: Begin::Start,
            ack_wait: Duration::from_secs(30),
            shape: Shape::Data("application/json".to_owned()),
            key: Some("Customer".to_owned()),
        };
        let terms = Terms { config: &config, origin: "/sources/in", bytes_max: 4 };
        let message = Message {
            subject: "orders.eu".to_owned(),
            reply: Some(REPLY.to_owned()),
            fields: Bytes::copy_from_slice(fields.as_bytes()),
            data: data.map(Bytes::copy_from_slice),
        };
        terms.arrival(&message).expect("an arrival")
    }

    #[test]
    fn the_senders_id_is_the_events_and_else_when_it_came_and_its_number() {
        let own = "1700000000000000000-42";
        for (fields, id, code) in [
            ("", own, None),
            ("NATS/1.0\r\n\r\n", own, None),
            ("NATS/1.0\r\nNats-Msg-Id: o-7\r\n\r\n", "o-7", None),
            ("NATS/1.0\r\nNats-Msg-Id:\r\n\r\n", own, None),
            ("NATS/1.0\r\nNats-Msg-Id: a\u{7}b\r\n\r\n", own, Some(Code::SourceForm)),
            // Whoever sends it may write a status, and it is a message all the same.
            ("NATS/1.0 404 No Messages\r\n\r\n", own, None),
        ] {
            let arrival = arrival(fields, Ok(b"{}"));
            assert_eq!((arrival.event.id(), arrival.fault.map(Fault::code)), (id, code));
            assert_eq!((arrival.token.as_str(), arrival.event.data()), (REPLY, &b"{}"[..]));
            assert_eq!(arrival.event.get("subject"), Some("orders.eu"));
        }
        let long = format!("NATS/1.0\r\nNats-Msg-Id: {}\r\n\r\n", "x".repeat(3000));
        assert_eq!(arrival(&long, Ok(b"{}")).event.id(), own);
        let keyed = arrival("NATS/1.0\r\nCustomer: 8\r\n\r\n", Ok(b"{}"));
        assert_eq!(keyed.event.get("partitionkey"), Some("8"));
    }

    #[test]
    fn what_does_not_fit_says_why_and_what_is_too_large_has_no_data() {
        for (data, code, kept) in [
            (Ok(&b"[1]"[..]), None, &b"[1]"[..]),
            (Ok(b"{\xff"), Some(Code::SourceText), b"{\xff"),
            (Ok(b"{"), Some(Code::SourceForm), b"{"),
            (Ok(b"[1,2]"), Some(Code::SourceTooLarge), b""),
            (Err(99), Some(Code::SourceTooLarge), b""),
        ] {
            let arrival = arrival("", data);
            assert_eq!((arrival.fault.map(Fault::code), arrival.event.data()), (code, kept));
        }
    }

    #[test]
    fn a_messages_place_is_found_with_a_domain_and_without() {
        let some = Some(Place { number: "42", time: "1700", pending: 3 });
        for (reply, found) in [
            ("$JS.ACK.ORDERS.casemate.1.42.7.1700.3", some),
            ("$JS.ACK.hub.ACCHASH.ORDERS.casemate.1.42.7.1700.3", some),
            ("$JS.ACK.hub.ACCHASH.ORDERS.casemate.1.42.7.1700.3.rnd", some),
            ("$JS.ACK.ORDERS.casemate.1.x.7.1700.3", None),
            ("$JS.ACK.ORDERS.casemate.1.42.7..3", None),
            ("$JS.ACK.ORDERS.casemate.1.42.7.1700.99999999999999999999", None),
            ("$JS.ACK.ORDERS.casemate.1", None),
            ("_INBOX.1", None),
        ] {
            assert_eq!(Place::read(reply), found, "{reply}");
        }
    }
}
