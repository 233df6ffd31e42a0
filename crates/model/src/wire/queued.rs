//! A call as it waits in the queue: who called, how, and what was sent.
//!
//! Version 1 is the byte 1, a [`Call`] in postcard's encoding, and the body as it is. Fields are
//! written by position, so their order here is the format; a new field is a new version.
//! Version 2 is the byte 2, the number of a function's version in four bytes, the lowest first, and
//! what stands after the byte of version 1. Version 3 is the byte 3, the [`Call`], its [`Cause`],
//! and the body.

use super::v1::Caller;
use crate::{Claims, InvocationId, Timestamp, TriggerName};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The version that is written of what a request asked for.
const REQUESTED: u8 = 1;
/// The version that is written of a call of a function's version.
const PINNED: u8 = 2;
/// The version that is written of what a trigger asked for.
const TRIGGERED: u8 = 3;

/// What asked for a call, if no request did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A schedule.
    Schedule {
        /// Which.
        name: TriggerName,
        /// The time that it was planned for.
        planned: Timestamp,
    },
    /// An event that somebody published.
    Event {
        /// The trigger that wanted it.
        name: TriggerName,
        /// Who published it.
        publisher: Caller,
        /// The invocation that published it, if one did, and the first of its tree.
        from: Option<(InvocationId, InvocationId)>,
        /// How deep in that tree the call is.
        depth: u16,
    },
    /// A message of a source that does not fit. It is here to become a dead letter, and never runs.
    Unfit {
        /// The source.
        name: TriggerName,
        /// Why, as its dead letter says it. Nothing of what the message says.
        why: String,
    },
}

/// What is known of a call that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who called.
    pub caller: Caller,
    /// What the caller's token said, as name and texts.
    pub claims: Vec<(String, Vec<String>)>,
    /// What the function is told of it.
    pub passed: Option<Vec<u8>>,
    /// From where.
    pub source: Option<IpAddr>,
    /// The pattern that matched; empty for `casemate invoke`.
    pub route: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers as the function may see them: credentials of the platform are not among them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The version of the function, if it is for one. What a trigger asked for never is.
    #[serde(skip)]
    pub version: Option<u32>,
    /// What asked for it, if no request did.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

/// Bytes that are no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no call of a version that this build knows")]
pub struct Unreadable;

impl Call {
    /// The call with its body, as it is kept.
    ///
    /// # Errors
    /// [`Unreadable`] never, as far as is known: everything in it has a form.
    pub fn encode(&self, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let head = match (&self.cause, self.version) {
            (Some(_), _) => vec![TRIGGERED],
            (None, None) => vec![REQUESTED],
            (None, Some(version)) => [&[PINNED][..], &version.to_le_bytes()].concat(),
        };
        let mut bytes = postcard::to_extend(self, head).map_err(|_| Unreadable)?;
        if let Some(cause) = &self.cause {
            bytes = postcard::to_extend(cause, bytes).map_err(|_| Unreadable)?;
        }
        Ok([&bytes, body].concat())
    }

    /// The call, and where its body begins.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), Unreadable> {
        let (version, rest) = bytes.split_first().ok_or(Unreadable)?;
        let (pinned, rest) = match *version {
            REQUESTED | TRIGGERED => (None, rest),
            PINNED => {
                let (number, rest) = rest.split_first_chunk().ok_or(Unreadable)?;
                (Some(u32::from_le_bytes(*number)), rest)
            }
            _ => return Err(Unreadable),
        };
        let (call, mut body): (Self, _) =
            postcard::take_from_bytes(rest).map_err(|_| Unreadable)?;
        let mut cause = None;
        if *version == TRIGGERED {
            let (asked, after) = postcard::take_from_bytes(body).map_err(|_| Unreadable)?;
            (cause, body) = (Some(asked), after);
        }
        Ok((Self { version: pinned, cause, ..call }, bytes.len() - body.len()))
    }

    /// The version of its function that a call is for, without reading the rest of it.
    #[must_use]
    pub fn version_in(bytes: &[u8]) -> Option<u32> {
        let (version, rest) = bytes.split_first()?;
        let number = rest.first_chunk().filter(|_| *version == PINNED)?;
        Some(u32::from_le_bytes(*number))
    }

    /// The claims, as policies read them. `None` if a name comes twice, which no token has.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        Claims::new(self.claims.iter().cloned())
    }

    /// Claims in the form of [`Call::claims`].
    #[must_use]
    pub fn kept(claims: &Claims) -> Vec<(String, Vec<String>)> {
        let texts = |texts: &[Box<str>]| texts.iter().map(|text| text.to_string()).collect();
        claims.iter().map(|(name, values)| (name.to_owned(), texts(values))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Call {
        Call {
            caller: Caller::Token("ci".parse().expect("a name")),
            claims: vec![("role".to_owned(), vec!["admin".to_owned(), "b".to_owned()])],
            passed: Some(b"e30".to_vec()),
            source: Some("192.0.2.1".parse().expect("an address")),
            route: "/orders/{id}".to_owned(),
            method: "POST".to_owned(),
            target: "/orders/7?x=1".to_owned(),
            headers: vec![("content-type".to_owned(), b"text/plain".to_vec())],
            version: None,
            cause: None,
        }
    }

    fn tick() -> Call {
        let name: TriggerName = "nightly".parse().expect("a name");
        let cause = Cause::Schedule { name: name.clone(), planned: Timestamp(1) };
        Call {
            caller: Caller::Trigger(name),
            claims: Vec::new(),
            passed: None,
            source: None,
            route: String::new(),
            headers: Vec::new(),
            cause: Some(cause),
            ..example()
        }
    }

    #[test]
    fn a_call_of_a_version_comes_back_as_one() {
        let call = Call { version: Some(70_000), ..example() };
        let bytes = call.encode(b"body").expect("bytes");
        let (read, at) = Call::decode(&bytes).expect("a call");
        assert_eq!((&read, &bytes[at..]), (&call, &b"body"[..]));
        for end in 0..at {
            assert_eq!(Call::decode(&bytes[..end]), Err(Unreadable), "{end}");
        }
        assert_eq!(bytes[5..], example().encode(b"body").expect("bytes")[1..]);
        assert_eq!(Call::version_in(&bytes), Some(70_000));
        for other in [&example().encode(b"").expect("bytes")[..], &bytes[..4], b""] {
            assert_eq!(Call::version_in(other), None);
        }
    }

    #[test]
    fn a_call_comes_back_with_its_body() {
        for body in [&b""[..], b"body"] {
            let bytes = example().encode(body).expect("bytes");
            let (call, at) = Call::decode(&bytes).expect("a call");
            assert_eq!((&call, &bytes[at..]), (&example(), body));
        }
        let bytes = tick().encode(b"body").expect("bytes");
        let (call, at) = Call::decode(&bytes).expect("a call");
        assert_eq!((&call, &bytes[at..]), (&tick(), &b"body"[..]));
        let claims = example().claims().expect("each once");
        assert_eq!(Call::kept(&claims), example().claims);
    }

    /// These bytes lie in queues: they must be readable for ever.
    #[test]
    fn the_bytes_of_version_1_are_fixed() {
        let bytes = example().encode(b"!").expect("bytes");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0101026369010472 6f6c65020561646d696e01620103 65333001".replace(' ', "")
                + "00c0000201"
                + "0c2f6f72646572732f7b69647d"
                + "04504f5354"
                + "0d2f6f72646572732f373f783d31"
                + "010c636f6e74656e742d747970650a746578742f706c61696e"
                + "21"
        );
    }

    /// These, too.
    #[test]
    fn the_bytes_of_an_event_are_fixed() {
        let name: TriggerName = "paid".parse().expect("a name");
        let publisher = Caller::Token("ci".parse().expect("a name"));
        let (one, two) = (InvocationId::from_bytes([1; 16]), InvocationId::from_bytes([2; 16]));
        let cause = Cause::Event { name, publisher, from: Some((one, two)), depth: 300 };
        let call = Call { cause: Some(cause), ..tick() };
        let bytes = call.encode(b"!").expect("bytes");
        let (read, at) = Call::decode(&bytes).expect("a call");
        assert_eq!((&read, &bytes[at..]), (&call, &b"!"[..]));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let ids = "10".to_owned() + &"01".repeat(16) + "10" + &"02".repeat(16);
        assert!(hex.ends_with(&format!("0104706169640102636901{ids}ac0221")), "{hex}");
    }

    /// These, too.
    #[test]
    fn the_bytes_of_what_does_not_fit_are_fixed() {
        let cause = Cause::Unfit { name: "in".parse().expect("a name"), why: "no".to_owned() };
        let call = Call { cause: Some(cause), ..tick() };
        let bytes = call.encode(b"!").expect("bytes");
        let (read, at) = Call::decode(&bytes).expect("a call");
        assert_eq!((&read, &bytes[at..]), (&call, &b"!"[..]));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.ends_with("0202696e026e6f21"), "{hex}");
    }

    /// These, too.
    #[test]
    fn the_bytes_of_version_3_are_fixed() {
        let bytes = tick().encode(b"!").expect("bytes");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = "076e696768746c79";
        let sent = "04504f53540d2f6f72646572732f373f783d31";
        assert_eq!(hex, format!("0306{name}00000000{sent}0000{name}0221"));
    }

    #[test]
    fn other_bytes_are_refused_and_never_panic() {
        assert_eq!(Call::decode(&[]), Err(Unreadable));
        assert_eq!(Call::decode(&[4]), Err(Unreadable));
        for call in [example(), tick()] {
            let bytes = call.encode(b"").expect("bytes");
            for end in 0..bytes.len() {
                assert_eq!(Call::decode(&bytes[..end]), Err(Unreadable), "{end}");
            }
        }
    }
}
