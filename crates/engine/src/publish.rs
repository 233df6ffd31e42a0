//! Events that are published to an application: who may, which of its functions are called with
//! them, and each event once.
//!
//! A call that an event causes is one of the event's trigger, `trigger:NAME`. What that is allowed
//! is looked at when the event comes, and again when the call runs.

mod shape;

pub(crate) use shape::{Form, form, said_in, shaped, takes_documents};

use crate::catalog::View;
use crate::function::Function;
use crate::wiring::Engine;
use model::wire::queued::{Call, Cause};
use model::wire::v1::Caller;
use model::{
    ApplicationName, Claims, CloudEvent, Code, InvocationId, Label, Labels, Problem, Scope,
    Timestamp, TriggerName,
};
use policy::{Asker, CallPermit, Denial, PublishAsk};
use ports::queue::{Message, Post, Publication};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What policies see as the trigger of a call that an event causes.
pub(crate) const KIND: &str = "event";
/// The attribute that says which classes of data an event is known to contain.
const CLASSES: &str = "dataclassification";
/// Longest label that is taken from an event.
const LABEL_BYTES_MAX: usize = 80;

/// Where events come from.
pub(crate) struct Publisher<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) source: Option<IpAddr>,
    /// What an issuer said about the caller.
    pub(crate) claims: &'a Claims,
    /// The invocation that publishes, if one does, and the first of its tree.
    pub(crate) from: Option<(InvocationId, InvocationId)>,
    /// How deep in that tree the calls are.
    pub(crate) depth: u16,
}

/// Events that may be published, with the calls that they cause.
pub(crate) struct Planned(Publication);

impl Planned {
    /// The calls, without the marks of the events: for what is put once in another way.
    pub(crate) fn into_messages(self) -> Vec<Message> {
        self.0.posts.into_iter().flat_map(|post| post.messages).collect()
    }

    /// How many calls there are, if no event was seen before.
    pub(crate) fn calls(&self) -> usize {
        self.0.posts.iter().map(|post| post.messages.len()).sum()
    }
}

/// What became of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Events that were new.
    pub(crate) accepted: usize,
    /// Events that were seen before.
    pub(crate) duplicates: usize,
}

impl Accepted {
    /// What the publisher is told.
    pub(crate) fn to_json(self) -> String {
        format!("{{\"accepted\":{},\"duplicates\":{}}}", self.accepted, self.duplicates)
    }
}

impl Engine {
    /// Decides whether the events may be published to an application, all of them.
    pub(crate) fn may_publish(
        &self,
        (scope, application): (&Scope, &ApplicationName),
        view: &View,
        publisher: &Publisher<'_>,
        events: &[CloudEvent],
    ) -> Result<Vec<CallPermit>, Denial> {
        let one = |event| {
            let ask = PublishAsk {
                principal: Asker::from(publisher.caller),
                scope,
                application,
                source: publisher.source,
                event,
                claims: publisher.claims,
            };
            self.parts.policies.decide_publish(&ask, |grant| view.grants.contains(grant))
        };
        events.iter().map(one).collect()
    }

    /// What events cause. The permits are the proof that they may be published.
    pub(crate) fn planned(
        &self,
        (scope, application): (&Scope, &ApplicationName),
        view: &View,
        publisher: &Publisher<'_>,
        events: &[CloudEvent],
        _permits: &[CallPermit],
    ) -> Result<Planned, Problem> {
        let now = self.parts.clock.wall();
        let mut posts = Vec::with_capacity(events.len());
        for event in events {
            let mut messages = Vec::new();
            for function in view.subscribers(application) {
                for trigger in function.row.spec.on.iter().filter(|it| it.wants(event)) {
                    match function.admits(&trigger.name, KIND) {
                        Ok(()) => {
                            let said = trigger.ordered_by.as_deref().and_then(|it| event.get(it));
                            let order = said.map(|key| self.order(function, key));
                            let message = message(&trigger.name, function, publisher, event, now)?;
                            let lot = self.lot_of_event(function, trigger);
                            messages.push(Message { order, lot, ..message });
                        }
                        Err(denial) => {
                            let (name, function) = (&trigger.name, function.reference());
                            tracing::debug!(trigger = %name, %function, %denial, "an event trigger may not call its function");
                        }
                    }
                }
            }
            posts.push(Post { mark: self.mark(application, publisher.caller, event), messages });
        }
        let window = i64::try_from(self.config.events.window.as_micros()).unwrap_or(i64::MAX);
        let until = now.plus_us(window);
        Ok(Planned(Publication { scope: scope.clone(), posts, now, until }))
    }

    /// Puts events and their calls on disk, all of them or nothing.
    pub(crate) async fn post(&self, planned: Planned) -> Result<Accepted, Problem> {
        let new = self.parts.queue.publish(planned.0, self.config.queue.quota).await?;
        let accepted = new.iter().filter(|new| **new).count();
        if accepted > 0 {
            self.backlog.wake();
        }
        Ok(Accepted { accepted, duplicates: new.len() - accepted })
    }

    /// What stands for a key of a function's calls: what the key says is not kept in the clear.
    pub(crate) fn order(&self, function: &Function, key: &str) -> [u8; 16] {
        (self.parts.digest)(format!("order\n{}\n{key}", function.reference()).as_bytes())
    }

    /// The same for the same event of one publisher. No other can have an event taken for one that
    /// was seen. Nothing in it has a line's end.
    fn mark(
        &self,
        application: &ApplicationName,
        publisher: &Caller,
        event: &CloudEvent,
    ) -> [u8; 16] {
        let (whose, source) = (publisher.to_string(), event.source());
        let texts = ["event", application.as_str(), whose.as_str(), source, event.id()];
        (self.parts.digest)(texts.join("\n").as_bytes())
    }
}

pub(crate) fn message(
    trigger: &TriggerName,
    function: &Arc<Function>,
    publisher: &Publisher<'_>,
    event: &CloudEvent,
    now: Timestamp,
) -> Result<Message, Problem> {
    let call = Call {
        caller: Caller::Trigger(trigger.clone()),
        claims: Vec::new(),
        passed: None,
        source: None,
        route: String::new(),
        method: "POST".to_owned(),
        target: "/".to_owned(),
        headers: event.headers(),
        version: None,
        cause: Some(Cause::Event {
            name: trigger.clone(),
            publisher: publisher.caller.clone(),
            from: publisher.from,
            depth: publisher.depth,
        }),
    };
    let payload = call.encode(event.data());
    let payload = payload.map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let id = InvocationId::from_parts(now.0, fastrand::u64(..).to_ne_bytes());
    let due = due(function, now);
    let function = function.reference().as_ref().clone();
    Ok(Message { id, function, payload: payload.into(), queued: due, due, order: None, lot: None })
}

/// From when a call of a function may run that comes now. It ages from then on.
pub(crate) fn due(function: &Function, now: Timestamp) -> Timestamp {
    let delay = function.row.spec.later.as_ref().and_then(|later| later.delay);
    now.plus_us(delay.map_or(0, |delay| i64::try_from(delay.ms * 1000).unwrap_or(i64::MAX)))
}

/// The event with what its publisher is known to have seen. Nothing that it says itself goes.
pub(crate) fn labelled(event: CloudEvent, labels: &Labels) -> Result<CloudEvent, Problem> {
    let mut all = labels_of(event.get(CLASSES));
    if labels.is_subset(&all) {
        return Ok(event);
    }
    all.join(labels);
    let wrong = |error| Problem::new(Code::BadEvent).detail(error);
    event.with(CLASSES, all.to_string()).map_err(wrong)
}

/// What an event is known to contain, by what it says.
fn labels_of(said: Option<&str>) -> Labels {
    let texts = said.unwrap_or_default().split(',').map(str::trim);
    let word = |text: &&str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        !text.is_empty() && text.len() <= LABEL_BYTES_MAX && text.bytes().all(plain)
    };
    Labels::of(texts.filter(word).map(Label::new))
}

/// What the event of a call is known to contain.
pub(crate) fn labels_in(headers: &http::HeaderMap) -> Labels {
    labels_of(headers.get("ce-dataclassification").and_then(|value| value.to_str().ok()))
}

/// What holds for events.
#[derive(Debug, Clone)]
pub struct Events {
    /// How long an event is remembered, so that it is not taken twice.
    pub window: Duration,
    /// Origins whose webhooks are welcome, as their handshake names them.
    pub origins: Vec<String>,
}

impl Default for Events {
    fn default() -> Self {
        Self { window: Duration::from_hours(24), origins: Vec::new() }
    }
}
