//! What platforms tell a function about the call that it gets, as header fields.

use super::facts::{Fact, Facts};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use model::{Timestamp, trace::TraceParent};
use ports::executor::Manner;

/// One thing that is said.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said {
    /// What is known before.
    Fact(Fact),
    /// The invocation's id.
    Invocation,
    /// The trace, as Google writes it: `TRACE/SPAN;o=FLAG`. Nothing, if there is none.
    CloudTrace,
    /// Nanoseconds since 1970.
    StartNanos,
    /// The host that was asked for.
    Host,
    /// The caller's address. Nothing, if there is none.
    Client,
    /// What kind of call it is, in Function Compute's words.
    ControlPath,
    /// The program that sends the request, behind what the caller said.
    Agent(&'static str),
    /// The event's id; the invocation's, if the event has none.
    EventId,
    /// The event's type; the content's, if the event has none.
    EventType,
    /// When it happened; now, if the event does not say.
    EventTime,
    /// Where it happened; how the call came, if the event does not say.
    EventSource,
}

/// What is known of one call.
pub(super) struct Occasion<'a> {
    pub(super) facts: &'a Facts,
    pub(super) id: &'a str,
    pub(super) manner: Manner,
    pub(super) now: Timestamp,
    pub(super) uri: &'a Uri,
}

impl Occasion<'_> {
    /// Says all that a row says. Whatever stood at these names goes.
    pub(super) fn say(&self, said: &[(&'static str, Said)], headers: &mut HeaderMap) {
        for (name, said) in said {
            let value = self.value(*said, headers);
            match value
                .and_then(|value| HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok())
            {
                Some(value) => drop(headers.insert(HeaderName::from_static(name), value)),
                None => drop(headers.remove(*name)),
            }
        }
    }

    fn value(&self, said: Said, headers: &HeaderMap) -> Option<String> {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let event = |name: &'static str| text(HeaderName::from_static(name));
        Some(match said {
            Said::Fact(fact) => return self.facts.say(fact),
            Said::Invocation => self.id.to_owned(),
            Said::CloudTrace => cloud_trace(&event("traceparent")?)?,
            Said::StartNanos => (i128::from(self.now.0) * 1000).to_string(),
            Said::Host => self.uri.authority()?.to_string(),
            Said::Client => {
                event("x-forwarded-for")?.split(',').next().unwrap_or_default().trim().to_owned()
            }
            Said::ControlPath => match self.manner {
                Manner::Request => "/http-invoke".to_owned(),
                Manner::Event => "/invoke".to_owned(),
            },
            Said::Agent(agent) => match text(USER_AGENT) {
                Some(caller) => format!("{caller} {agent}"),
                None => agent.to_owned(),
            },
            Said::EventId => event("ce-id").unwrap_or_else(|| self.id.to_owned()),
            Said::EventType => event("ce-type").or_else(|| text(CONTENT_TYPE))?,
            Said::EventTime => event("ce-time").unwrap_or_else(|| self.now.to_string()),
            Said::EventSource => event("ce-source").unwrap_or_else(|| match self.manner {
                Manner::Request => "http.casemate".to_owned(),
                Manner::Event => "event.casemate".to_owned(),
            }),
        })
    }
}

fn cloud_trace(traceparent: &str) -> Option<String> {
    let TraceParent { trace, span, flags } = TraceParent::parse(traceparent)?;
    let (span, sampled) = (u64::from_be_bytes(span), flags & 1);
    Some(format!("{}/{span};o={sampled}", hex::encode(trace)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_written_as_google_does() {
        let trace = cloud_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let expected = "0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1";
        assert_eq!(trace.as_deref(), Some(expected));
        assert_eq!(cloud_trace("x"), None);
    }
}
