//! Events of what sources give.
//!
//! Invariant: whatever comes, there is an event of it; what does not fit says so beside it.

use model::CloudEvent;
use model::event::is_json;
use ports::source::{Error, Fault};
use std::collections::BTreeMap;

/// What a message holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Data of this content type.
    Data(String),
    /// A CloudEvent in JSON.
    Event,
}

/// The content type of what does not say what it is.
const OCTETS: &str = "application/octet-stream";

/// What is known of a message beside its data.
pub(crate) struct Said<'a> {
    /// The event's `source`.
    pub(crate) origin: &'a str,
    /// Its type.
    pub(crate) kind: &'static str,
    /// Its id, of the other side.
    pub(crate) id: &'a str,
    /// More attributes, whose values somebody else chose.
    pub(crate) more: Vec<(&'static str, String)>,
}

impl Said<'_> {
    /// The event of what a message holds, and what is wrong with it.
    pub(crate) fn read(
        &self,
        shape: &Shape,
        bytes: Vec<u8>,
    ) -> Result<(CloudEvent, Option<Fault>), Error> {
        match shape {
            Shape::Data(kind) => {
                let wrong = wrong(kind, &bytes);
                let (event, odd) = self.event(Some(kind), bytes)?;
                Ok((event, wrong.or(odd)))
            }
            Shape::Event => match CloudEvent::from_json(&bytes) {
                Ok(event) => Ok((event, None)),
                Err(_) => {
                    let wrong = text_fault(&bytes).unwrap_or(Fault::Form("it is no CloudEvent"));
                    let (event, _) = self.event(Some(OCTETS), bytes)?;
                    Ok((event, Some(wrong)))
                }
            },
        }
    }

    /// The event of a message that does not fit.
    pub(crate) fn unfit(
        &self,
        fault: Fault,
        data: Vec<u8>,
    ) -> Result<(CloudEvent, Option<Fault>), Error> {
        let kind = (!data.is_empty()).then_some(OCTETS);
        let (event, _) = self.event(kind, data)?;
        Ok((event, Some(fault)))
    }

    fn event(
        &self,
        kind: Option<&str>,
        data: Vec<u8>,
    ) -> Result<(CloudEvent, Option<Fault>), Error> {
        let own = [("source", self.origin), ("type", self.kind), ("id", self.id)];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = own.into_iter().chain(kind.map(|it| ("datacontenttype".into(), it.to_owned())));
        let own: BTreeMap<String, String> = own.collect();
        let mut all = own.clone();
        all.extend(self.more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        if let Ok(event) = CloudEvent::new(all, data.clone()) {
            return Ok((event, None));
        }
        let fault = Fault::Form("its name or its key is no attribute of an event");
        let event = CloudEvent::new(own, data);
        event.map(|event| (event, Some(fault))).map_err(|error| Error::Refused(error.to_string()))
    }
}

fn text_fault(bytes: &[u8]) -> Option<Fault> {
    std::str::from_utf8(bytes).is_err().then_some(Fault::Text)
}

/// What is wrong with data of a content type.
fn wrong(kind: &str, bytes: &[u8]) -> Option<Fault> {
    let json = is_json(kind);
    let start = kind.get(..5).unwrap_or_default();
    if !json && !start.eq_ignore_ascii_case("text/") {
        return None;
    }
    let read = serde_json::from_slice::<serde::de::IgnoredAny>;
    text_fault(bytes)
        .or_else(|| (json && read(bytes).is_err()).then_some(Fault::Form("it is no JSON")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Code;

    fn said(subject: &str) -> Said<'_> {
        let more = vec![("subject", subject.to_owned())];
        Said { origin: "/sources/in", kind: "dev.casemate.test", id: "1-0", more }
    }

    #[test]
    fn what_does_not_fit_is_an_event_with_a_fault() {
        let json = Shape::Data("application/json; charset=utf-8".to_owned());
        let text = Shape::Data("Text/plain".to_owned());
        let bytes = Shape::Data(OCTETS.to_owned());
        for (shape, subject, data, code) in [
            (&json, "a", &b"{\"a\":1}"[..], None),
            (&json, "a", b"{\"a\":", Some(Code::SourceForm)),
            (&json, "a", b"", Some(Code::SourceForm)),
            (&json, "a", b"{\"a\":\"\xff\"}", Some(Code::SourceText)),
            (&text, "a", b"hello", None),
            (&text, "a", b"\xff", Some(Code::SourceText)),
            (&bytes, "a", b"\xff", None),
            (&bytes, "a\nb", b"x", Some(Code::SourceForm)),
            (&bytes, "", b"x", Some(Code::SourceForm)),
            (&Shape::Event, "a", b"{}", Some(Code::SourceForm)),
            (&Shape::Event, "a", b"\xff", Some(Code::SourceText)),
        ] {
            let (event, fault) = said(subject).read(shape, data.to_vec()).expect("an event");
            assert_eq!(fault.map(Fault::code), code, "{shape:?} {data:?}");
            assert_eq!((event.id(), event.source(), event.data()), ("1-0", "/sources/in", data));
        }
        let own = br#"{"specversion":"1.0","id":"7","source":"/erp","type":"paid","data":{"n":1}}"#;
        let (event, fault) = said("a").read(&Shape::Event, own.to_vec()).expect("an event");
        assert_eq!((event.id(), event.source(), fault), ("7", "/erp", None));
    }
}
